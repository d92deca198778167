import Dispatch
import Synchronization
import ZooBackend
import ZooProtocol
import ZooTensor

/// Runs a network for the requests in a queue: each of its instances takes the next when it is free, on a thread of its own.
final class ComputeWorker: Sendable {
  /// What came of a request's turn.
  struct Turn: Sendable {
    var outputs: [Tensor]
    /// From enqueuing to the start of the batch.
    var queued: Duration
    var computed: Duration
  }

  private struct Pending {
    let inputs: [NetworkInput]
    let enqueued: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Turn, any Error>
    /// Devices that failed while they computed it.
    var losses = 0
  }

  private struct State {
    var queue: RequestQueue
    var pending: [RequestQueue.ID: Pending] = [:]
    /// Requests that are not enqueued yet, and whether they were cancelled already.
    var arriving: [RequestQueue.ID: Bool] = [:]
    var nextID: RequestQueue.ID = 1
    /// Instances at work, by the device of their place.
    var running: [String: Int] = [:]

    /// Has a free instance go to work, at the place where the fewest do, and the first of those.
    ///
    /// - Returns: its place; nil where none is free.
    mutating func engage(_ places: [PlacedNetwork.Place]) -> PlacedNetwork.Place? {
      let free = places.filter { running[$0.device, default: 0] < $0.instances }
      let place = free.min { running[$0.device, default: 0] < running[$1.device, default: 0] }
      if let place { running[place.device, default: 0] += 1 }
      return place
    }
  }

  /// So many devices that failed under a request are taken for chance; it may be what they failed of.
  private static let mostLosses = 1

  private let network: PlacedNetwork
  private let name: String
  private let state: Mutex<State>

  init(network: PlacedNetwork, capacity: Int, name: String) {
    self.network = network
    self.name = name
    state = Mutex(State(queue: RequestQueue(capacity: capacity)))
  }

  /// Waits for its turn and runs the network.
  ///
  /// - Throws: ``ZooError`` where the queue is full or the deadline passes, `CancellationError`, or what the network throws.
  func run(_ inputs: [NetworkInput], deadline: ContinuousClock.Instant) async throws -> Turn {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      state.arriving[state.nextID] = false
      return state.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enqueue(id, Pending(inputs: inputs, enqueued: .now, deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      cancel(id)
    }
  }

  private func enqueue(_ id: RequestQueue.ID, _ pending: Pending) {
    enum Outcome { case enqueued(PlacedNetwork.Place?), full(Int), cancelled }
    let outcome = state.withLock { state -> Outcome in
      if state.arriving.removeValue(forKey: id) == true { return .cancelled }
      guard state.queue.enqueue(id, deadline: pending.deadline) else { return .full(state.queue.capacity) }
      state.pending[id] = pending
      return .enqueued(state.engage(network.places))
    }
    switch outcome {
    case .enqueued(let place): if let place { start(on: place) }
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

  private func start(on place: PlacedNetwork.Place) {
    // A serial queue for each: they get threads of their own. A concurrent one shares the process's few with all models.
    DispatchQueue(label: "zoo.compute.\(name)", qos: .userInitiated).async { self.runBatches(on: place) }
  }

  private func runBatches(on place: PlacedNetwork.Place) {
    var isInUse = true
    while isInUse {
      let (batch, expired) = state.withLock { state -> ([(RequestQueue.ID, Pending)], [Pending]) in
        let decision = state.queue.next(at: .now)
        let batch = decision.batch.compactMap { id in state.pending.removeValue(forKey: id).map { (id, $0) } }
        let expired = decision.expired.compactMap { state.pending.removeValue(forKey: $0) }
        if batch.isEmpty, expired.isEmpty { state.running[place.device]? -= 1 }
        return (batch, expired)
      }
      if batch.isEmpty, expired.isEmpty { return }
      for pending in expired {
        pending.continuation.resume(
          throwing: ZooError(.deadlineExceeded, "the request's time was over before its turn came"))
      }
      for (id, pending) in batch { isInUse = run(id, pending, on: place) && isInUse }
    }
    // This instance is gone. Those that are left take what waits.
    let engaged = state.withLock { state in
      state.running[place.device]? -= 1
      return (0..<state.queue.count).compactMap { _ in state.engage(network.places) }
    }
    for place in engaged { start(on: place) }
  }

  /// - Returns: false where the place is out of use: the request waits for another then.
  private func run(_ id: RequestQueue.ID, _ pending: Pending, on place: PlacedNetwork.Place) -> Bool {
    let start = ContinuousClock.now
    do {
      let outputs = try place.executable.run(from: pending.inputs)
      pending.continuation.resume(
        returning: Turn(outputs: outputs, queued: start - pending.enqueued, computed: .now - start))
    } catch let error as BackendError where error.endsTheBackend {
      return leave(place, because: error, with: id, pending)
    } catch {
      pending.continuation.resume(throwing: error)
    }
    return true
  }

  private func leave(
    _ place: PlacedNetwork.Place, because error: BackendError, with id: RequestQueue.ID, _ pending: Pending
  ) -> Bool {
    do {
      try network.leave(place, because: error)
    } catch {
      pending.continuation.resume(throwing: error)
      return true
    }
    var pending = pending
    if error.code == .deviceLost { pending.losses += 1 }
    let isAlike = network.places.contains { $0.backend.kind == place.backend.kind }
    if pending.losses > Self.mostLosses, isAlike {
      pending.continuation.resume(
        throwing: BackendError(
          .deviceLost, "\(pending.losses) devices failed while they computed this request: it is not tried on another"))
    } else {
      state.withLock { state in
        state.queue.putBack(id, deadline: pending.deadline)
        state.pending[id] = pending
      }
    }
    return false
  }
}
