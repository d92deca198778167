/// Which requests run, and when: first come, first served, up to a capacity.
///
/// No clock, no thread: time comes in with every call. What is handed out is a batch; batches hold one request for as long
/// as the queue is told no other size.
struct RequestQueue: Sendable {
  typealias Instant = ContinuousClock.Instant
  typealias ID = UInt64

  private struct Waiting {
    let id: ID
    let deadline: Instant
  }

  /// What to do next.
  struct Decision: Sendable, Equatable {
    /// Run these together. Empty where nothing waits.
    var batch: [ID] = []
    /// Tell these that their time is over.
    var expired: [ID] = []
  }

  let capacity: Int
  let batchSize: Int
  private var waiting: [Waiting] = []

  init(capacity: Int, batchSize: Int = 1) {
    self.capacity = max(1, capacity)
    self.batchSize = max(1, batchSize)
  }

  var count: Int { waiting.count }

  /// - Returns: false where the queue is full: the request was not taken.
  mutating func enqueue(_ id: ID, deadline: Instant) -> Bool {
    guard waiting.count < capacity else { return false }
    waiting.append(Waiting(id: id, deadline: deadline))
    return true
  }

  /// Takes a request that was handed out and could not run: it is the next, and not refused.
  mutating func putBack(_ id: ID, deadline: Instant) {
    waiting.insert(Waiting(id: id, deadline: deadline), at: 0)
  }

  /// - Returns: false where the request is not waiting: it runs already, or was never here.
  mutating func cancel(_ id: ID) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
    waiting.remove(at: index)
    return true
  }

  /// What to run now that whoever runs batches is free.
  mutating func next(at now: Instant) -> Decision {
    var decision = Decision()
    while decision.batch.count < batchSize, !waiting.isEmpty {
      let request = waiting.removeFirst()
      if request.deadline <= now {
        decision.expired.append(request.id)
      } else {
        decision.batch.append(request.id)
      }
    }
    return decision
  }
}
