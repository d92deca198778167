import Foundation
import Logging
import Synchronization
import Testing
import ZooBackend
import ZooCPU
import ZooCycleGAN
import ZooGraph
import ZooPluginKit
import ZooProtocol
import ZooTensor
import ZooTinyModels

@testable import ZooRuntime

/// On which of several GPUs models run, and what becomes of them when one is lost.
struct SeveralGPUsTests {
  private let folder = try! TemporaryFolder()
  private let cards: [Card]

  init() throws {
    let cpu = try CPUBackend(threads: 1)
    cards = [Card("cuda:0", room: 10, cpu), Card("cuda:1", room: 30, cpu), Card("cuda:2", room: 30, cpu)]
  }

  /// Stands for a GPU; computes on the CPU.
  private final class Card: Backend {
    let name: String
    private let room: Int
    private let inner: any Backend
    private let isLost = Mutex(false)

    init(_ name: String, room: Int, _ inner: any Backend) { (self.name, self.room, self.inner) = (name, room, inner) }

    var freeMemory: Int? { isLost.withLock { $0 } ? nil : room }

    func lose() { isLost.withLock { $0 = true } }

    func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
      try check()
      return Work(card: self, inner: try inner.compile(graph, options: options))
    }

    fileprivate func check() throws {
      if freeMemory == nil { throw BackendError(.unavailable, "\(name) is out of use") }
    }
  }

  private struct Work: Executable {
    let card: Card
    let inner: any Executable
    var memory: MemoryUse { inner.memory }

    func run(_ inputs: [Tensor]) throws -> [Tensor] {
      try card.check()
      return try inner.run(inputs)
    }
  }

  /// - Parameter placements: by the names of models.
  private func runtime(_ placements: [String: String], missing: [any Backend] = []) async throws -> ModelRuntime {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let models = folder.url.appending(path: "models")
    for (name, placement) in placements {
      try TinyModel(name, extra: "placement { \(placement) }").write(to: models.appending(path: "\(name)/1"))
    }
    let runtime = try ModelRuntime(
      .init(models: models, preparationThreads: 2), plugins: [CycleGANPlugin.self],
      backends: missing.isEmpty ? cards + [CPUBackend(threads: 1)] : missing + [CPUBackend(threads: 1)], logger: logger)
    await runtime.start()
    return runtime
  }

  private func call(_ name: String, _ runtime: ModelRuntime) async throws {
    _ = try await runtime.infer(
      name, version: 0,
      input: ModelInput(
        values: ["image": .tensor(Tensor.zeros(shape: [1, 12, 20, 3]))], parameters: ["format": .text("tensor")]),
      deadline: .now + .seconds(60))
  }

  private func status(_ name: String, _ runtime: ModelRuntime) async throws -> WireModelStatus {
    try #require(await runtime.list().first { $0.name == name })
  }

  @Test("a model runs on the GPU that its manifest names, or else on the one with the most free memory")
  func placement() async throws {
    let runtime = try await runtime([
      "named": "device: DEVICE_CUDA gpus: 0", "auto": "device: DEVICE_AUTO gpus: 2", "any": "device: DEVICE_CUDA",
      "free": "device: DEVICE_AUTO",
    ])
    #expect(try await status("named", runtime).device == "cuda:0")
    #expect(try await status("auto", runtime).device == "cuda:2")
    // Of two with as much the first.
    #expect(try await status("any", runtime).device == "cuda:1")
    #expect(try await status("free", runtime).device == "cuda:1")
  }

  @Test("a GPU that the server does not use is told with those that it does; auto takes the CPU")
  func missingCard() async throws {
    let runtime = try await runtime(["asked": "device: DEVICE_CUDA gpus: 5", "either": "device: DEVICE_AUTO gpus: 5"])
    let status = try await status("asked", runtime)
    #expect(status.state == .ended)
    for part in ["placement.gpus is 5", "cuda:0, cuda:1, cuda:2", "leave gpus out"] {
      #expect(status.reason.contains(part), "\(status.reason)")
    }
    #expect(try await self.status("either", runtime).device == "cpu")
  }

  @Test("a GPU that cannot be used says why to the models that name it; others go elsewhere")
  func brokenCard() async throws {
    let broken = UnavailableBackend(name: "cuda:0", reason: BackendError(.unavailable, "there is no GPU cuda:0"))
    let runtime = try await runtime(
      ["named": "device: DEVICE_CUDA gpus: 0", "any": "device: DEVICE_CUDA"], missing: [broken, cards[1]])
    #expect(try await status("named", runtime).reason == "there is no GPU cuda:0")
    #expect(try await status("any", runtime).device == "cuda:1")
  }

  @Test("without a driver every model that asks for a GPU is told what is missing")
  func noDriver() async throws {
    let missing = UnavailableBackend(name: "cuda", reason: BackendError(.unavailable, "libcuda.so.1 was not found"))
    let runtime = try await runtime(
      ["named": "device: DEVICE_CUDA gpus: 1", "any": "device: DEVICE_CUDA"], missing: [missing])
    for name in ["named", "any"] { #expect(try await status(name, runtime).reason == "libcuda.so.1 was not found") }
  }

  @Test("a lost GPU takes the models with it that name it; others that were on it move, and the rest stays")
  func lostCard() async throws {
    let runtime = try await runtime([
      "named": "device: DEVICE_CUDA gpus: 1", "any": "device: DEVICE_CUDA", "other": "device: DEVICE_CUDA gpus: 0",
      "auto": "device: DEVICE_AUTO gpus: 1", "two": "device: DEVICE_CUDA gpus: [0, 1]",
    ])
    #expect(try await status("two", runtime).device == "cuda:1")
    cards[1].lose()
    _ = await #expect(throws: ZooError.self) { try await call("named", runtime) }
    while try await status("named", runtime).state == .draining { await Task.yield() }
    #expect(try await status("named", runtime).state == .ended)
    #expect(try await status("named", runtime).reason == "cuda:1 is out of use")
    for (name, device) in [("any", "cuda:2"), ("other", "cuda:0"), ("auto", "cpu"), ("two", "cuda:0")] {
      try await call(name, runtime)
      #expect(try await status(name, runtime).device == device)
      #expect(try await status(name, runtime).state == .available)
    }
  }
}
