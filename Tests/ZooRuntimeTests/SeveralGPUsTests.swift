import Foundation
import Logging
import Synchronization
import Testing
import ZooBackend
import ZooCPU
import ZooCycleGAN
import ZooEventually
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
  private let meeting: Meeting

  init() throws {
    meeting = Meeting(try CPUBackend(threads: 1))
    let cpu = meeting
    cards = [Card("cuda:0", room: 10, cpu), Card("cuda:1", room: 30, cpu), Card("cuda:2", room: 30, cpu)]
  }

  /// Stands for a GPU; computes on the CPU.
  private final class Card: Backend {
    private struct State {
      var isLost = false
      var isFull = false
      var isWrong = false
      var fails = false
      var inside = 0
      var most = 0
    }

    let name: String
    /// A picture of this size is more than a card survives.
    static let deadly: Shape = [1, 24, 24, 3]
    private let room: Int
    private let inner: any Backend
    private let state = Mutex(State())

    init(_ name: String, room: Int, _ inner: any Backend) { (self.name, self.room, self.inner) = (name, room, inner) }

    var freeMemory: Int? { state.withLock { $0.isLost ? nil : room } }
    /// The most calls at once.
    var most: Int { state.withLock { $0.most } }

    func lose() { state.withLock { $0.isLost = true } }
    func fill() { state.withLock { $0.isFull = true } }
    /// At the next call, for good.
    func fail() { state.withLock { $0.fails = true } }
    func computeWrongly() { state.withLock { $0.isWrong = true } }

    func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
      try check()
      if state.withLock({ $0.isFull }) { throw BackendError(.outOfMemory, "\(name) ran out of memory") }
      return Work(card: self, inner: try inner.compile(graph, options: options))
    }

    private func check() throws {
      if freeMemory == nil { throw BackendError(.unavailable, "\(name) is out of use") }
    }

    fileprivate func run(_ inner: any Executable, _ inputs: [Tensor]) throws -> [Tensor] {
      try check()
      state.withLock { state in
        state.inside += 1
        state.most = max(state.most, state.inside)
      }
      defer { state.withLock { $0.inside -= 1 } }
      if inputs[0].shape == Self.deadly || state.withLock({ $0.fails }) {
        lose()
        throw BackendError(.deviceLost, "\(name) failed")
      }
      let outputs = try inner.run(inputs)
      return state.withLock { $0.isWrong } ? try outputs.map { try Tensor.zeros(shape: $0.shape) } : outputs
    }
  }

  private struct Work: Executable {
    let card: Card
    let inner: any Executable
    var memory: MemoryUse { inner.memory }

    func run(_ inputs: [Tensor]) throws -> [Tensor] { try card.run(inner, inputs) }
  }

  /// Holds what computes until as many calls are inside as are waited for.
  private final class Meeting: Backend {
    private let inner: any Backend
    private let condition = NSCondition()
    nonisolated(unsafe) private var missing = 0

    init(_ inner: any Backend) { self.inner = inner }

    var name: String { inner.name }

    func expect(_ count: Int) { condition.withLock { missing = count } }

    func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
      Waiting(meeting: self, inner: try inner.compile(graph, options: options))
    }

    fileprivate func wait() {
      condition.withLock {
        missing -= 1
        condition.broadcast()
        while missing > 0, condition.wait(until: .now + 300) {}
      }
    }

    private struct Waiting: Executable {
      let meeting: Meeting
      let inner: any Executable
      var memory: MemoryUse { inner.memory }

      func run(_ inputs: [Tensor]) throws -> [Tensor] {
        meeting.wait()
        return try inner.run(inputs)
      }
    }
  }

  /// - Parameter placements: by the names of models.
  private func runtime(_ placements: [String: String], missing: [any Backend] = []) async throws -> ModelRuntime {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let models = folder.url.appending(path: UUID().uuidString)
    for (name, placement) in placements {
      try TinyModel(name, extra: "placement { \(placement) }").write(to: models.appending(path: "\(name)/1"))
    }
    let runtime = try ModelRuntime(
      .init(models: models, preparationThreads: 2), plugins: [CycleGANPlugin.self],
      backends: missing.isEmpty ? cards + [CPUBackend(threads: 1)] : missing + [CPUBackend(threads: 1)], logger: logger)
    await runtime.start()
    return runtime
  }

  private func call(_ name: String, _ runtime: ModelRuntime, _ shape: Shape = [1, 12, 20, 3]) async throws {
    _ = try await runtime.infer(
      name, version: 0,
      input: ModelInput(
        values: ["image": .tensor(Tensor.zeros(shape: shape))], parameters: ["format": .text("tensor")]),
      deadline: .now + .seconds(600))
  }

  private func call(_ name: String, _ runtime: ModelRuntime, times: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<times { group.addTask { try await call(name, runtime) } }
      try await group.waitForAll()
    }
  }

  /// How it stands when nobody waits for it any more.
  private func end(_ name: String, _ runtime: ModelRuntime) async throws -> WireModelStatus {
    try await eventually("nobody waits for it any more") { try await self.status(name, runtime).state != .draining }
    return try await status(name, runtime)
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
    try await eventually("nobody waits for it any more") { try await self.status("named", runtime).state != .draining }
    #expect(try await status("named", runtime).state == .ended)
    #expect(try await status("named", runtime).reason == "cuda:1 is out of use")
    for (name, device) in [("any", "cuda:2"), ("other", "cuda:0"), ("auto", "cpu"), ("two", "cuda:0")] {
      try await call(name, runtime)
      #expect(try await status(name, runtime).device == device)
      #expect(try await status(name, runtime).state == .available)
    }
  }

  // MARK: Instances on several

  @Test(
    "instances are on several GPUs where these are named, and else on one",
    arguments: [
      ("device: DEVICE_CUDA instances: 2 gpus: [1, 0]", ["cuda:0", "cuda:1"], "cuda:0,1"),
      ("instances: 8 gpus: [0, 1, 2]", ["cuda:0", "cuda:1", "cuda:2"], "cuda:0,1,2"),
      // More of them than instances: those with the most free memory.
      ("instances: 2 gpus: [0, 1, 2]", ["cuda:1", "cuda:2"], "cuda:1,2"),
      ("device: DEVICE_CUDA gpus: [0, 1]", ["cuda:1"], "cuda:1"),
      ("device: DEVICE_CUDA instances: 2", ["cuda:1"], "cuda:1"),
      ("device: DEVICE_CUDA instances: 2 gpus: 0", ["cuda:0"], "cuda:0"),
    ])
  func spread(_ placement: String, _ devices: [String], _ device: String) async throws {
    let status = try await status("tiny", runtime(["tiny": placement]))
    #expect(status.devices == devices)
    #expect(status.device == device)
    #expect(status.reason.isEmpty)
  }

  @Test("each GPU has its share of the instances, and a request goes where the fewest compute")
  func leastLoaded() async throws {
    let runtime = try await runtime(["tiny": "instances: 3 gpus: [0, 1]"])
    meeting.expect(2)
    try await call("tiny", runtime, times: 2)
    #expect(cards.map(\.most) == [1, 1, 0])
    meeting.expect(3)
    try await call("tiny", runtime, times: 3)
    try await call("tiny", runtime, times: 32)
    #expect(cards.map(\.most) == [1, 2, 0])
  }

  @Test("a lost GPU takes its instances with it, and nothing else")
  func lostInstances() async throws {
    let runtime = try await runtime(["tiny": "device: DEVICE_CUDA instances: 2 gpus: [0, 1]"])
    cards[1].lose()
    // Alone, so that it is this card that takes it.
    try await call("tiny", runtime)
    try await call("tiny", runtime, times: 15)
    let status = try await status("tiny", runtime)
    #expect(status.state == .available && status.devices == ["cuda:0"])
    #expect(status.reason == "cuda:1: cuda:1 is out of use")
    #expect(status.statistics.succeeded == 16 && status.statistics.failed == 0)
    #expect(cards.map(\.most) == [1, 1, 0])
  }

  @Test("with the last of its GPUs a model leaves service or moves to the CPU, as its placement says")
  func lostLast() async throws {
    let runtime = try await runtime([
      "asked": "device: DEVICE_CUDA instances: 2 gpus: [0, 1]", "auto": "device: DEVICE_AUTO instances: 2 gpus: [0, 1]",
    ])
    cards[1].lose()
    for name in ["asked", "auto"] { try await call(name, runtime) }
    cards[0].lose()
    _ = await #expect(throws: ZooError.self) { try await call("asked", runtime) }
    let asked = try await end("asked", runtime)
    #expect(asked.state == .ended)
    #expect(asked.reason == "cuda:0 is out of use; cuda:1: cuda:1 is out of use")
    try await call("auto", runtime, times: 4)
    let auto = try await status("auto", runtime)
    #expect(auto.state == .available && auto.device == "cpu" && auto.statistics.failed == 0)
    #expect(auto.reason == "cuda:1: cuda:1 is out of use; cuda:0: cuda:0 is out of use")
  }

  @Test("of more GPUs than instances those that have none are taken when the others are lost")
  func spare() async throws {
    let runtime = try await runtime(["tiny": "device: DEVICE_CUDA instances: 2 gpus: [0, 1, 2]"])
    for (card, left) in [(1, "cuda:2"), (2, "cuda:0")] {
      cards[card].lose()
      try await call("tiny", runtime)
      #expect(try await status("tiny", runtime).devices == [left])
    }
  }

  @Test("a request under which two GPUs failed is not tried on a third")
  func deadly() async throws {
    let runtime = try await runtime(["tiny": "device: DEVICE_CUDA instances: 3 gpus: [0, 1, 2]"])
    let error = await #expect(throws: ZooError.self) { try await call("tiny", runtime, Card.deadly) }
    #expect(error?.message.contains("2 devices failed while they computed this request") == true)
    try await call("tiny", runtime)
    #expect(try await status("tiny", runtime).devices == ["cuda:0"])
    #expect(try await status("tiny", runtime).state == .available)
  }

  @Test("a request under which two GPUs failed is tried on the CPU")
  func deadlyForGPUs() async throws {
    let runtime = try await runtime(["tiny": "device: DEVICE_AUTO instances: 2 gpus: [0, 1]"])
    try await call("tiny", runtime, Card.deadly)
    #expect(try await status("tiny", runtime).devices == ["cpu"])
    #expect(cards.map { $0.freeMemory == nil } == [true, true, false])
  }

  @Test("a model that is on one GPU goes on elsewhere with the request that lost it, if it may")
  func goesOn() async throws {
    let runtime = try await runtime(["any": "device: DEVICE_CUDA", "only": "device: DEVICE_CUDA gpus: 0"])
    cards[1].fail()
    try await call("any", runtime)
    #expect(try await status("any", runtime).devices == ["cuda:2"])
    cards[0].fail()
    _ = await #expect(throws: ZooError.self) { try await call("only", runtime) }
    #expect(try await end("only", runtime).reason == "cuda:0 failed")
  }

  @Test("a GPU without room is left out, with the reason; without room on any it is as on one")
  func noRoom() async throws {
    cards[0].fill()
    let some = try await runtime(["tiny": "device: DEVICE_CUDA instances: 2 gpus: [0, 1]"])
    #expect(try await status("tiny", some).devices == ["cuda:1"])
    #expect(try await status("tiny", some).reason == "cuda:0: cuda:0 ran out of memory")
    // Both are on the one that has room.
    meeting.expect(2)
    try await call("tiny", some, times: 2)
    #expect(cards[1].most == 2)
    cards[1].fill()
    let none = try await runtime([
      "tiny": "device: DEVICE_CUDA instances: 2 gpus: [0, 1]", "auto": "instances: 2 gpus: [0, 1]",
    ])
    let status = try await status("tiny", none)
    #expect(status.state == .ended)
    #expect(status.reason == "cuda:0 ran out of memory; cuda:1: cuda:1 ran out of memory")
    #expect(try await self.status("auto", none).device == "cpu")
  }

  @Test("every GPU has to reproduce the goldens; one that does not is left out, with the reason")
  func wrongAnswers() async throws {
    cards[1].computeWrongly()
    let runtime = try await runtime(["tiny": "device: DEVICE_CUDA instances: 2 gpus: [0, 1]"])
    let status = try await status("tiny", runtime)
    #expect(status.state == .available && status.devices == ["cuda:0"])
    #expect(status.reason.hasPrefix("cuda:1: ") && status.reason.contains("goldens[0]"), "\(status.reason)")
  }

  @Test("a GPU that is named and cannot be used is left out, with the reason")
  func unusable() async throws {
    let broken = UnavailableBackend(name: "cuda:0", reason: BackendError(.unavailable, "there is no GPU cuda:0"))
    let runtime = try await runtime(
      ["tiny": "device: DEVICE_CUDA instances: 2 gpus: [0, 1]"], missing: [broken, cards[1]])
    #expect(try await status("tiny", runtime).devices == ["cuda:1"])
    #expect(try await status("tiny", runtime).reason == "cuda:0: there is no GPU cuda:0")
  }
}
