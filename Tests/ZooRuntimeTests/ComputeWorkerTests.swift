import Foundation
import Synchronization
import Testing
import ZooBackend
import ZooEventually
import ZooGraph
import ZooTensor

@testable import ZooRuntime

/// A network that returns what it is fed, and waits in between until `count` calls have come, or are not waited for any more.
private final class MeetingPlace: Backend, Executable {
  private struct State {
    var inside = 0
    var most = 0
    var total = 0
  }

  let name = "meeting"
  private let state = Mutex(State())
  private let condition = NSCondition()
  nonisolated(unsafe) private var isOver = false
  private let count: Int

  init(count: Int) {
    self.count = count
  }

  func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable { self }

  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    condition.withLock {
      state.withLock { state in
        state.inside += 1
        state.total += 1
        state.most = max(state.most, state.inside)
      }
      condition.broadcast()
      while total < count, !isOver, condition.wait(until: .now + 300) {}
    }
    state.withLock { $0.inside -= 1 }
    return inputs
  }

  /// Lets everybody go.
  func end() {
    condition.withLock {
      isOver = true
      condition.broadcast()
    }
  }

  var memory: MemoryUse { MemoryUse(weights: 0, activations: 0) }
  var total: Int { state.withLock { $0.total } }
  var most: Int { state.withLock { $0.most } }
}

@Suite struct ComputeWorkerTests {
  private var soon: ContinuousClock.Instant { .now + .seconds(600) }

  private func tensor(_ value: Int) throws -> NetworkInput { .tensor(try Tensor([Float(value)], shape: [1])) }

  private func worker(on place: MeetingPlace, instances: Int, capacity: Int = 64) throws -> ComputeWorker {
    let builder = GraphBuilder()
    let graph = builder.graph(outputs: [("y", try builder.input("x", shape: [1]).relu())])
    let network = try PlacedNetwork(graph, options: CompileOptions(concurrentCalls: instances), backends: [place])
    return ComputeWorker(network: network, capacity: capacity, name: "test")
  }

  /// Two calls that wait for each other can only end where both are inside at once.
  @Test func asManyRequestsComputeAtOnceAsThereAreInstances() async throws {
    let place = MeetingPlace(count: 2)
    let worker = try worker(on: place, instances: 2)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for value in 0..<32 {
        group.addTask {
          let turn = try await worker.run([tensor(value)], deadline: soon)
          #expect(turn.outputs[0].floats() == [Float(value)])
        }
      }
      try await group.waitForAll()
    }
    #expect(place.total == 32)
    #expect(place.most == 2)
  }

  /// However many processors there are: each instance has a thread, and so has each model.
  @Test func workersOfAllModelsComputeBesideEachOther() async throws {
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let place = MeetingPlace(count: processors + 3)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for value in 0..<processors + 3 {
        let worker = try worker(on: place, instances: 1, capacity: 1)
        group.addTask { _ = try await worker.run([tensor(value)], deadline: soon) }
      }
      try await group.waitForAll()
    }
    #expect(place.most == processors + 3)
  }

  @Test func oneInstanceComputesOneRequestAfterTheOther() async throws {
    let place = MeetingPlace(count: 1)
    let worker = try worker(on: place, instances: 1)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for value in 0..<32 {
        group.addTask { _ = try await worker.run([tensor(value)], deadline: soon) }
      }
      try await group.waitForAll()
    }
    #expect(place.total == 32)
    #expect(place.most == 1)
  }

  @Test func whatIsCancelledWhileItWaitsDoesNotCompute() async throws {
    let place = MeetingPlace(count: 2)
    let worker = try worker(on: place, instances: 1)
    // Inside until a second one comes, which the only instance has no room for.
    let inside = Task { try await worker.run([tensor(0)], deadline: soon) }
    try await eventually("the first one computes") { place.total == 1 }
    let waiting = Task { try await worker.run([tensor(1)], deadline: soon) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(place.total == 1)
    place.end()
    _ = try await inside.value
  }
}
