import Dispatch
import Synchronization
import ZooBackend
import ZooProtocol
import ZooTensor

/// Runs a network for the requests in a queue, one batch after the other, on a thread of its own.
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
    /// Requests that were cancelled before they could be enqueued.
    var cancelled: Set<RequestQueue.ID> = []
    var nextID: RequestQueue.ID = 1
    var isRunning = false
  }

  private let executable: any Executable
  private let thread: DispatchQueue
  private let state: Mutex<State>

  init(executable: any Executable, capacity: Int, name: String) {
    self.executable = executable
    thread = DispatchQueue(label: "zoo.compute.\(name)", qos: .userInitiated)
    state = Mutex(State(queue: RequestQueue(capacity: capacity)))
  }

  /// Waits for its turn and runs the network.
  ///
  /// - Throws: ``ZooError`` where the queue is full or the deadline passes, `CancellationError`, or what the network throws.
  func run(_ inputs: [Tensor], deadline: ContinuousClock.Instant) async throws -> Turn {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
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
      if state.cancelled.remove(id) != nil { return .cancelled }
      guard state.queue.enqueue(id, deadline: deadline) else { return .full(state.queue.capacity) }
      state.pending[id] = pending
      defer { state.isRunning = true }
      return .enqueued(wakes: !state.isRunning)
    }
    switch outcome {
    case .enqueued(let wakes): if wakes { thread.async { self.runBatches() } }
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
      if state.pending[id] == nil { state.cancelled.insert(id) }
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
        if batch.isEmpty, expired.isEmpty {
          state.isRunning = false
          state.cancelled.removeAll()
        }
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
