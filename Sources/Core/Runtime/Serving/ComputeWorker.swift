import Dispatch
import Synchronization
import ZooBackend
import ZooProtocol
import ZooTensor

/// Runs a network for the requests in a queue: so many batches at once as there are instances, each on a thread of its own.
final class ComputeWorker: Sendable {
  /// What came of a request's turn.
  struct Turn: Sendable {
    var outputs: [Tensor]
    /// From enqueuing to the start of the batch.
    var queued: Duration
    var computed: Duration
  }

  private struct Pending {
    let inputs: [Tensor]
    let enqueued: ContinuousClock.Instant
    let continuation: CheckedContinuation<Turn, any Error>
  }

  private struct State {
    var queue: RequestQueue
    var pending: [RequestQueue.ID: Pending] = [:]
    /// Requests that are not enqueued yet, and whether they were cancelled already.
    var arriving: [RequestQueue.ID: Bool] = [:]
    var nextID: RequestQueue.ID = 1
    /// Instances at work.
    var running = 0
  }

  private let executable: any Executable
  private let instances: Int
  private let name: String
  private let state: Mutex<State>

  init(executable: any Executable, instances: Int, capacity: Int, name: String) {
    self.executable = executable
    self.instances = instances
    self.name = name
    state = Mutex(State(queue: RequestQueue(capacity: capacity)))
  }

  /// Waits for its turn and runs the network.
  ///
  /// - Throws: ``ZooError`` where the queue is full or the deadline passes, `CancellationError`, or what the network throws.
  func run(_ inputs: [Tensor], deadline: ContinuousClock.Instant) async throws -> Turn {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      state.arriving[state.nextID] = false
      return state.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enqueue(id, Pending(inputs: inputs, enqueued: .now, continuation: continuation), deadline: deadline)
      }
    } onCancel: {
      cancel(id)
    }
  }

  private func enqueue(_ id: RequestQueue.ID, _ pending: Pending, deadline: ContinuousClock.Instant) {
    enum Outcome { case enqueued(wakes: Bool), full(Int), cancelled }
    let outcome = state.withLock { state -> Outcome in
      if state.arriving.removeValue(forKey: id) == true { return .cancelled }
      guard state.queue.enqueue(id, deadline: deadline) else { return .full(state.queue.capacity) }
      state.pending[id] = pending
      guard state.running < instances else { return .enqueued(wakes: false) }
      state.running += 1
      return .enqueued(wakes: true)
    }
    switch outcome {
    case .enqueued(let wakes):
      guard wakes else { return }
      // A serial queue for each: they get threads of their own. A concurrent one shares the process's few with all models.
      DispatchQueue(label: "zoo.compute.\(name)", qos: .userInitiated).async { self.runBatches() }
    case .cancelled: pending.continuation.resume(throwing: CancellationError())
    case .full(let capacity):
      pending.continuation.resume(
        throwing: ZooError(
          .resourceExhausted, "\(capacity) requests wait for this model, which is the limit: try again later"))
    }
  }

  private func cancel(_ id: RequestQueue.ID) {
    let pending = state.withLock { state -> Pending? in
      if state.queue.cancel(id) { return state.pending.removeValue(forKey: id) }
      // Not enqueued yet, or running: the one is told when it comes, the other's answer is dropped by its caller.
      if state.arriving[id] != nil { state.arriving[id] = true }
      return nil
    }
    pending?.continuation.resume(throwing: CancellationError())
  }

  private func runBatches() {
    while true {
      let (batch, expired) = state.withLock { state -> ([Pending], [Pending]) in
        let decision = state.queue.next(at: .now)
        let batch = decision.batch.compactMap { state.pending.removeValue(forKey: $0) }
        let expired = decision.expired.compactMap { state.pending.removeValue(forKey: $0) }
        if batch.isEmpty, expired.isEmpty { state.running -= 1 }
        return (batch, expired)
      }
      if batch.isEmpty, expired.isEmpty { return }
      for pending in expired {
        pending.continuation.resume(
          throwing: ZooError(.deadlineExceeded, "the request's time was over before its turn came"))
      }
      for pending in batch { run(pending) }
    }
  }

  private func run(_ pending: Pending) {
    let start = ContinuousClock.now
    let result = Result {
      let outputs = try executable.run(pending.inputs)
      return Turn(outputs: outputs, queued: start - pending.enqueued, computed: .now - start)
    }
    pending.continuation.resume(with: result)
  }
}
