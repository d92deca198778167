import Foundation
import Logging
import Testing
import ZooBackend
import ZooCPU
import ZooCycleGAN
import ZooEventually
import ZooPluginKit
import ZooProtocol
import ZooTinyModels

@testable import ZooRuntime

/// The runtime on real models in real folders.
struct ModelRuntimeTests {
  private let folder = try! TemporaryFolder()

  private func runtime() throws -> ModelRuntime {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return try ModelRuntime(
      .init(models: folder.url.appending(path: "models"), preparationThreads: 4),
      plugins: [CycleGANPlugin.self, GatedPlugin.self], backends: [CPUBackend(threads: 2), ReferenceBackend()],
      logger: logger)
  }

  private var models: URL { folder.url.appending(path: "models") }

  private func soon(_ seconds: Int = 600) -> ContinuousClock.Instant { .now + .seconds(seconds) }

  private func picture(_ value: Float = 0.25) throws -> Tensor {
    try Tensor((0..<720).map { sin(Float($0 * $0) * value) }, shape: [1, 12, 20, 3])
  }

  private func translate(
    _ runtime: ModelRuntime, _ tensor: Tensor, by name: String = "tiny", version: UInt32 = 0
  ) async throws -> (Tensor, UInt32) {
    let answer = try await runtime.infer(
      name, version: version,
      input: ModelInput(values: ["image": .tensor(tensor)], parameters: ["format": .text("tensor")]),
      deadline: soon())
    guard case .tensor(let result)? = answer.output.values.first?.value else {
      throw ZooError(.internal, "no tensor came back")
    }
    return (result, answer.version)
  }

  /// Writes a gated model, whose golden says that 2 stays 2.
  private func installGated(queue: Int) throws {
    let place = models.appending(path: "gated/1")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let one = try Tensor([Float(2)], shape: [1, 1, 1, 1])
    for (file, name) in [("in", "x"), ("out", "y")] {
      try SafetensorsWriter.write(
        Weights([name: one]), to: place.appending(path: "\(file).safetensors").path(percentEncoded: false))
    }
    let files = try ["in", "out"].map { name in
      let file = place.appending(path: "\(name).safetensors").path(percentEncoded: false)
      let (sum, bytes) = try DiskFile.sum(of: file, named: name)
      return #"files { path: "\#(name).safetensors" sha256: "\#(sum)" bytes: \#(bytes) }"#
    }
    try Data(
      """
      name: "gated" version: 1 plugin: "gated" licence: "MIT"
      \(files.joined(separator: "\n"))
      goldens { input: "in.safetensors" output: "out.safetensors" tolerance: 1e-6 }
      queue { capacity: \(queue) }
      """.utf8
    ).write(to: place.appending(path: "manifest.textproto"))
  }

  private func callGated(
    _ runtime: ModelRuntime, gate: Int64? = nil, fail: Int64 = 0, deadline: ContinuousClock.Instant? = nil
  ) async throws -> ModelRuntime.Answer {
    var parameters: [String: ModelInput.Parameter] = ["fail": .integer(fail)]
    if let gate { parameters["gate"] = .integer(gate) }
    return try await runtime.infer(
      "gated", version: 0,
      input: ModelInput(
        values: ["x": .tensor(try Tensor([Float(3)], shape: [1, 1, 1, 1]))], parameters: parameters),
      deadline: deadline ?? soon())
  }

  // MARK: Loading

  @Test func servesWhatReproducesItsGolden() async throws {
    let model = TinyModel()
    try model.install(in: models)
    let runtime = try runtime()
    await runtime.start()
    let status = await runtime.list()
    #expect(status.map(\.state) == [.available])
    #expect(status[0].serving)
    let input = try picture()
    let (output, version) = try await translate(runtime, input)
    #expect(version == 1)
    let expected = try model.expected(input)
    for (got, wanted) in zip(output.floats(), expected.floats()) { #expect(abs(got - wanted) < 1e-3) }
    let info = try await runtime.info("tiny", version: 0)
    #expect(info.goldenError <= 0.001)
    #expect(info.networkOutputs.map(\.name) == ["image"])
  }

  @Test("in bfloat16 a golden passes within a tolerance that allows for it, and what was found is told")
  func holdsBfloat16ToItsGolden() async throws {
    let placement = "placement { precision: PRECISION_BFLOAT16 }"
    try TinyModel("strict", width: 16, tolerance: 1e-5, extra: placement).install(in: models)
    try TinyModel("tiny", width: 16, tolerance: 0.1, extra: placement).install(in: models)
    let runtime = try runtime()
    await runtime.start()
    let status = await runtime.list().sorted { $0.name < $1.name }
    #expect(status.map(\.state) == [.ended, .available], "\(status.map(\.reason))")
    #expect(status[0].reason.contains("goldens[0]"), "\(status[0].reason)")
    #expect(status[1].precision == "bfloat16")
    let error = try await runtime.info("tiny", version: 0).goldenError
    #expect(error > 1e-5 && error <= 0.1)
  }

  @Test(arguments: TinyModel.Fault.allCases)
  func servesNothingFaulty(fault: TinyModel.Fault) async throws {
    try TinyModel(fault: fault).install(in: models)
    let runtime = try runtime()
    await runtime.start()
    let status = await runtime.list()
    #expect(status.map(\.state) == [.ended])
    let reason =
      switch fault {
      case .notFinite: "model.7.weight"
      case .wrongGolden: "goldens[0]"
      case .corruptFile: "SHA-256"
      case .missingFile: "golden/output.safetensors"
      case .wrongConfiguration: "conv_block"
      }
    #expect(status[0].reason.contains(reason), "\(status[0].reason)")
    await #expect(throws: ZooError.self) { try await translate(runtime, picture()) }
  }

  @Test func goesBackToTheNewestVersionThatLoads() async throws {
    try TinyModel(version: 1).install(in: models)
    try TinyModel(version: 2, fault: .notFinite).install(in: models)
    let runtime = try runtime()
    await runtime.start()
    let (_, version) = try await translate(runtime, picture())
    #expect(version == 1)
  }

  @Test func keepsVersionsSideBySide() async throws {
    try TinyModel(version: 1, seed: 1).install(in: models)
    try TinyModel(version: 2, seed: 2).install(in: models)
    let runtime = try runtime()
    await runtime.start()
    #expect(try await translate(runtime, picture()).1 == 2)
    await #expect(throws: ZooError.self) { try await translate(runtime, picture(), version: 1) }
    #expect(try await runtime.load("tiny", version: 1).state == .available)
    let first = try await translate(runtime, picture(), version: 1).0.floats()
    let second = try await translate(runtime, picture(), version: 2).0.floats()
    #expect(first != second)
    #expect(try await runtime.unload("tiny", version: 2).state == .ended)
    #expect(try await translate(runtime, picture()).1 == 1)
  }

  @Test func oneBadModelDoesNotKeepOthersFromServing() async throws {
    try TinyModel("good").install(in: models)
    try FileManager.default.createDirectory(at: models.appending(path: "bad/1"), withIntermediateDirectories: true)
    try Data("name: 3".utf8).write(to: models.appending(path: "bad/1/manifest.textproto"))
    try FileManager.default.createDirectory(
      at: models.appending(path: "Not A Model/1"), withIntermediateDirectories: true)
    let runtime = try runtime()
    await runtime.start()
    let states = Dictionary(uniqueKeysWithValues: await runtime.list().map { ($0.name, $0.state) })
    #expect(states == ["good": .available, "bad": .ended])
  }

  @Test func refusesADeviceThatIsNotThere() async throws {
    try TinyModel(extra: "placement { device: DEVICE_CUDA }").install(in: models)
    let runtime = try runtime()
    await runtime.start()
    let reason = await runtime.list()[0].reason
    #expect(reason.contains("cuda") && reason.contains("DEVICE_AUTO"), "\(reason)")
  }

  @Test func runsOnTheDeviceThatWasAskedFor() async throws {
    try TinyModel(extra: "placement { device: DEVICE_REFERENCE }").install(in: models)
    let runtime = try runtime()
    await runtime.start()
    #expect(await runtime.list()[0].device == "reference")
  }

  @Test func holdsTheManifestsTensorsAgainstTheNetworks() async throws {
    try TinyModel(extra: #"outputs { name: "image" element_type: ELEMENT_TYPE_FLOAT32 shape: [1, 5, 5, 3] }"#)
      .install(in: models)
    let runtime = try runtime()
    await runtime.start()
    #expect(await runtime.list()[0].reason.contains("outputs[0].shape"))
  }

  @Test func saysWhatThereIsWhereSomethingIsNot() async throws {
    try TinyModel().install(in: models)
    let runtime = try runtime()
    await runtime.start()
    await #expect { try await translate(runtime, picture(), by: "zebra") } throws: {
      ($0 as? ZooError)?.code == .notFound && "\($0)".contains("tiny")
    }
    await #expect { try await translate(runtime, picture(), version: 9) } throws: {
      ($0 as? ZooError)?.code == .notFound
    }
  }

  // MARK: Requests

  @Test func refusesWrongTensors() async throws {
    try TinyModel().install(in: models)
    let runtime = try runtime()
    await runtime.start()
    for tensor in [
      try Tensor([Float](repeating: 0, count: 12 * 20), shape: [1, 12, 20, 1]),
      try Tensor([Float](repeating: 0, count: 12 * 20 * 3), shape: [12, 20, 3]),
      try Tensor([Int32](repeating: 0, count: 12 * 20 * 3), shape: [1, 12, 20, 3]),
      try Tensor([Float](), shape: [1, 0, 20, 3]),
      try Tensor([Float](repeating: 0, count: 2 * 2 * 3), shape: [1, 2, 2, 3]),
    ] {
      await #expect { try await translate(runtime, tensor) } throws: {
        ($0 as? ZooError)?.code == .invalidArgument && "\($0)".contains("image")
      }
    }
    #expect(try await translate(runtime, picture()).1 == 1)
  }

  @Test func oneFailureIsNobodyElses() async throws {
    try installGated(queue: 64)
    let runtime = try runtime()
    await runtime.start()
    await #expect { try await callGated(runtime, fail: 1) } throws: { ($0 as? ZooError)?.code == .invalidArgument }
    await #expect { try await callGated(runtime, fail: 2) } throws: {
      // What went wrong inside is for the log, not for the client.
      ($0 as? ZooError)?.code == .internal && !($0 as! ZooError).message.contains("secret")
    }
    _ = try await callGated(runtime)
    let statistics = await runtime.list()[0].statistics
    #expect(statistics.succeeded == 1)
    #expect(statistics.failed == 2)
    #expect(statistics.waiting == 0)
  }

  @Test func refusesWhenTheQueueIsFull() async throws {
    try installGated(queue: 2)
    let runtime = try runtime()
    await runtime.start()
    let gate = GatedPlugin.gate(1)
    async let first = callGated(runtime, gate: 1)
    async let second = callGated(runtime, gate: 1)
    // Both are waited for, whatever happens.
    defer { gate.open() }
    try await eventually("both are at the gate") { gate.arrived == 2 }
    await #expect { try await callGated(runtime) } throws: { ($0 as? ZooError)?.code == .resourceExhausted }
    gate.open()
    _ = try await (first, second)
    _ = try await callGated(runtime)
  }

  @Test func unloadingAnswersWhatWasTaken() async throws {
    try installGated(queue: 8)
    let runtime = try runtime()
    await runtime.start()
    let gate = GatedPlugin.gate(2)
    async let taken = callGated(runtime, gate: 2)
    // It is waited for, whatever happens.
    defer { gate.open() }
    try await eventually("the request is at the gate") { gate.arrived == 1 }
    async let unloaded = runtime.unload("gated", version: 1)
    try await eventually("the model drains") { await runtime.list()[0].state == .draining }
    await #expect(throws: ZooError.self) { try await callGated(runtime) }
    gate.open()
    _ = try await taken
    #expect(try await unloaded.state == .ended)
    #expect(try await runtime.load("gated", version: 0).state == .available)
    _ = try await callGated(runtime)
  }

  @Test func honoursDeadlines() async throws {
    try installGated(queue: 8)
    let runtime = try runtime()
    await runtime.start()
    await #expect { try await callGated(runtime, deadline: .now - .seconds(1)) } throws: {
      ($0 as? ZooError)?.code == .deadlineExceeded
    }
    // One whose time runs out on the way: it may do so before the gate as well as behind it.
    let gate = GatedPlugin.gate(3)
    let deadline = ContinuousClock.now + .milliseconds(50)
    let late = Task { try await callGated(runtime, gate: 3, deadline: deadline) }
    try await Task.sleep(until: deadline + .milliseconds(10), clock: .continuous)
    gate.open()
    await #expect { _ = try await late.value } throws: { ($0 as? ZooError)?.code == .deadlineExceeded }
  }

  @Test func cancelledRequestsEnd() async throws {
    try installGated(queue: 8)
    let runtime = try runtime()
    await runtime.start()
    let gate = GatedPlugin.gate(4)
    let request = Task { try await callGated(runtime, gate: 4) }
    try await eventually("the request is at the gate") { gate.arrived == 1 }
    request.cancel()
    gate.open()
    await #expect { _ = try await request.value } throws: { ($0 as? ZooError)?.code == .cancelled }
    _ = try await callGated(runtime)
    #expect(await runtime.list()[0].statistics.waiting == 0)
  }

  @Test func manyCallersAtOnceGetTheirOwnAnswers() async throws {
    let model = TinyModel(extra: "queue { capacity: 1000 }")
    try model.install(in: models)
    let runtime = try runtime()
    await runtime.start()
    let values = (1...8).map { Float($0) / 8 }
    let expected = try values.map { try model.expected(picture($0)).floats() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for caller in 0..<64 {
        group.addTask {
          let got = try await translate(runtime, picture(values[caller % 8])).0.floats()
          for (got, wanted) in zip(got, expected[caller % 8]) { #expect(abs(got - wanted) < 1e-3) }
        }
      }
      try await group.waitForAll()
    }
    #expect(await runtime.list()[0].statistics.succeeded == 64)
  }

  // MARK: Stopping

  @Test func stopsWithoutLosingWhatItTook() async throws {
    try installGated(queue: 8)
    let runtime = try runtime()
    await runtime.start()
    let gate = GatedPlugin.gate(5)
    async let taken = callGated(runtime, gate: 5)
    // It is waited for, whatever happens.
    defer { gate.open() }
    try await eventually("the request is at the gate") { gate.arrived == 1 }
    async let stopped: Void = runtime.shutdown()
    try await eventually("the model drains") { await runtime.list()[0].state == .draining }
    gate.open()
    _ = try await taken
    await stopped
    await #expect(throws: ZooError.self) { try await runtime.load("gated", version: 1) }
  }
}
