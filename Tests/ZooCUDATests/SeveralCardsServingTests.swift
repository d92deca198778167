import CCUDA
import Foundation
import Logging
import Testing
import ZooBackend
import ZooCPU
import ZooCycleGAN
import ZooEventually
import ZooPluginKit
import ZooProtocol
import ZooRuntime
import ZooSoftwareDevice
import ZooTensor
import ZooTinyModels

@testable import ZooCUDA

extension CUDATests {
  /// A model whose instances are on several cards, as it is served.
  struct SeveralCardsServingTests {
    private static let bothCards = "device: DEVICE_CUDA instances: 4 gpus: [0, 1]"

    private let device: SoftwareDevice
    private let folder: TemporaryFolder
    private let cards: [CUDABackend]

    init() throws {
      device = try SoftwareDevice.shared.get()
      device.reset(devices: 2)
      folder = try TemporaryFolder()
      cards = CUDABackend.all(finder: device.finder, cacheFolder: device.cacheFolder).compactMap { $0 as? CUDABackend }
    }

    /// Loads a model, and waits in the end until nothing of it is left on the cards.
    private func serving(_ placement: String, _ body: (ModelRuntime) async throws -> Void) async throws {
      let free = cards.map(\.freeMemory)
      var logger = Logger(label: "test")
      logger.logLevel = .critical
      let models = folder.url.appending(path: UUID().uuidString)
      try TinyModel(extra: "placement { \(placement) }\nqueue { capacity: 256 }").install(in: models)
      let runtime = try ModelRuntime(
        .init(models: models), plugins: [CycleGANPlugin.self], backends: cards + [CPUBackend(threads: 1)],
        logger: logger)
      await runtime.start()
      try await body(runtime)
      await runtime.shutdown()
      // A card that is lost says nothing any more.
      try await eventually("all memory is free again") {
        zip(cards, free).allSatisfy { $0.freeMemory == nil || $0.freeMemory == $1 }
      }
    }

    private func status(_ runtime: ModelRuntime) async throws -> WireModelStatus {
      try await eventually("nobody waits for it any more") {
        try #require(await runtime.list().first).state != .draining
      }
      return try #require(await runtime.list().first)
    }

    private func answer(_ runtime: ModelRuntime) async throws -> [Float] {
      let input = ModelInput(
        values: ["image": .tensor(try inputs([1, 16, 20, 3])[0])], parameters: ["format": .text("tensor")])
      let answer = try await runtime.infer("tiny", version: 0, input: input, deadline: .now + .seconds(600))
      guard case .tensor(let tensor)? = answer.output.values.first?.value else { return [] }
      return tensor.floats()
    }

    /// All at once.
    private func answers(_ count: Int, _ runtime: ModelRuntime) async throws -> [[Float]] {
      try await withThrowingTaskGroup(of: [Float].self) { group in
        for _ in 0..<count { group.addTask { try await answer(runtime) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
    }

    @Test("the weights are uploaded once to each card, all cards compute, and every instance gives the same bits")
    func spread() async throws {
      var expected: [Float] = []
      var uploads = 0
      try await serving("device: DEVICE_CUDA gpus: 0") { runtime in
        expected = try await answer(runtime)
        uploads = device.uploads(on: 0)
        #expect(uploads > 0 && device.uploads(on: 1) == 0)
      }
      let idle = (0..<2).map { device.memoryUsed(on: $0) }
      try await serving(Self.bothCards) { runtime in
        let status = try await status(runtime)
        #expect(status.device == "cuda:0,1" && status.devices == ["cuda:0", "cuda:1"] && status.reason.isEmpty)
        let loaded = (0..<2).map { device.launches(on: $0) }
        #expect(try await answers(48, runtime).allSatisfy { $0 == expected })
        #expect(device.launches(on: 0) > loaded[0] && device.launches(on: 1) > loaded[1])
        #expect(device.uploads(on: 0) == 2 * uploads && device.uploads(on: 1) == uploads)
        let used = (0..<2).map { device.memoryUsed(on: $0) - idle[$0] }
        #expect(used.allSatisfy { $0 > 0 })
        #expect(try await self.status(runtime).memoryBytes <= UInt64(used.reduce(0, +)))
      }
    }

    @Test("a card that is lost under load takes its instances with it, and no request")
    func lost() async throws {
      try await serving(Self.bothCards) { runtime in
        let expected = try await answer(runtime)
        device.fail("cuStreamSynchronize", with: ZOO_CU_ILLEGAL_ADDRESS, after: 10, on: 1)
        #expect(try await answers(96, runtime).allSatisfy { $0 == expected })
        let status = try await status(runtime)
        #expect(status.state == .available && status.devices == ["cuda:0"])
        #expect(status.reason.contains("cuda:1") && status.reason.contains("CUDA_ERROR_ILLEGAL_ADDRESS"))
        #expect(status.statistics.succeeded == 97 && status.statistics.failed == 0)
      }
    }

    @Test("the last card that is lost takes the model with it where it asked for a GPU")
    func lostLast() async throws {
      try await serving(Self.bothCards) { runtime in
        device.fail("cuStreamSynchronize", with: ZOO_CU_ILLEGAL_ADDRESS, after: 5, on: 0)
        _ = try await answers(48, runtime)
        device.fail("cuGraphLaunch", with: ZOO_CU_LAUNCH_FAILED, on: 1)
        _ = await #expect(throws: ZooError.self) { try await answer(runtime) }
        let status = try await status(runtime)
        #expect(status.state == .ended)
        for part in ["cuda:1 failed", "cuda:0", "ILLEGAL_ADDRESS", "LAUNCH_FAILED"] {
          #expect(status.reason.contains(part), "\(status.reason)")
        }
      }
    }

    @Test("from the last card that is lost a model goes to the CPU where it may, with every request")
    func lostToTheCPU() async throws {
      try await serving("device: DEVICE_AUTO instances: 4 gpus: [0, 1]") { runtime in
        let expected = try await answer(runtime)
        for card in 0..<2 {
          device.fail("cuStreamSynchronize", with: ZOO_CU_ILLEGAL_ADDRESS, after: 5, on: card)
          for answer in try await answers(48, runtime) {
            #expect(answer.count == expected.count)
            #expect(zip(answer, expected).allSatisfy { abs($0 - $1) < 1e-3 })
          }
        }
        let status = try await status(runtime)
        #expect(status.state == .available && status.devices == ["cpu"])
        #expect(status.statistics.succeeded == 97 && status.statistics.failed == 0)
      }
    }

    @Test("a card without room for the weights is left out, and told; without room on any the model does not load")
    func memory() async throws {
      func fill(_ card: Int) throws -> DeviceMemory {
        try DeviceMemory(try #require(cards[card].freeMemory) - 4096, on: cards[card].device, for: "the test")
      }
      device.reset(devices: 2, memory: 1 << 26)
      let second = try fill(1)
      try await serving(Self.bothCards) { runtime in
        let status = try await status(runtime)
        #expect(status.state == .available && status.devices == ["cuda:0"])
        #expect(status.reason.hasPrefix("cuda:1: the GPU cuda:1 ran out of memory"), "\(status.reason)")
        // What was uploaded before there was no room is not kept.
        #expect(cards[1].freeMemory == 4096)
        #expect(Set(try await answers(16, runtime)).count == 1)
      }
      let first = try fill(0)
      try await serving(Self.bothCards) { runtime in
        let status = try await status(runtime)
        #expect(status.state == .ended)
        for part in ["cuda:0 ran out of memory", "cuda:1 ran out of memory", "0 of 64 MiB are free"] {
          #expect(status.reason.contains(part), "\(status.reason)")
        }
      }
      withExtendedLifetime((first, second)) {}
    }
  }
}
