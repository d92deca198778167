import Testing

@testable import ZooRuntime

struct RequestQueueTests {
  private let start = ContinuousClock.now

  /// A queue with these requests, each with its deadline in seconds from the start.
  private func queue(
    capacity: Int = 4, batchSize: Int = 1, _ requests: KeyValuePairs<RequestQueue.ID, Int>
  ) -> RequestQueue {
    var queue = RequestQueue(capacity: capacity, batchSize: batchSize)
    for (id, seconds) in requests { _ = queue.enqueue(id, deadline: start + .seconds(seconds)) }
    return queue
  }

  @Test func handsOutInOrder() {
    var queue = queue([3: 1, 1: 1, 2: 1])
    let decisions = (0..<4).map { _ in queue.next(at: start) }
    #expect(decisions.map(\.batch) == [[3], [1], [2], []])
    #expect(decisions.allSatisfy { $0.expired.isEmpty })
  }

  @Test func refusesWhatDoesNotFit() {
    var queue = queue(capacity: 2, [1: 1, 2: 1])
    let third = queue.enqueue(3, deadline: start + .seconds(1))
    #expect(!third)
    _ = queue.next(at: start)
    let again = queue.enqueue(3, deadline: start + .seconds(1))
    #expect(again)
  }

  @Test func whatIsPutBackIsNextThoughItIsFull() {
    var queue = queue(capacity: 2, [1: 1, 2: 1])
    _ = queue.next(at: start)
    _ = queue.enqueue(3, deadline: start + .seconds(1))
    queue.putBack(1, deadline: start + .seconds(1))
    #expect((0..<3).map { _ in queue.next(at: start).batch } == [[1], [2], [3]])
    queue.putBack(1, deadline: start + .seconds(1))
    #expect(queue.next(at: start + .seconds(2)) == RequestQueue.Decision(expired: [1]))
  }

  @Test func tellsWhoseTimeIsOver() {
    var queue = queue([1: 1, 2: 5, 3: 1, 4: 5])
    let decisions = (0..<2).map { _ in queue.next(at: start + .seconds(2)) }
    #expect(
      decisions == [RequestQueue.Decision(batch: [2], expired: [1]), RequestQueue.Decision(batch: [4], expired: [3])])
  }

  @Test func forgetsWhatIsCancelled() {
    var queue = queue([1: 1, 2: 1])
    let cancelled = [1, 1].map { queue.cancel($0) }
    #expect(cancelled == [true, false])
    let next = queue.next(at: start)
    #expect(next.batch == [2])
    let tooLate = queue.cancel(2)
    #expect(!tooLate)
  }

  @Test func fillsBatches() {
    var queue = queue(batchSize: 3, [1: 1, 2: 1, 3: 1, 4: 1])
    let batches = (0..<2).map { _ in queue.next(at: start).batch }
    #expect(batches == [[1, 2, 3], [4]])
  }

  /// Over seeded sequences of events, every request that was taken leaves exactly once.
  @Test func losesNothing() {
    var state: UInt64 = 11
    func random(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    for _ in 0..<200 {
      var queue = RequestQueue(capacity: Int(1 + random(6)), batchSize: Int(1 + random(3)))
      var inside: Set<UInt64> = []
      var leftTwice: [UInt64] = []
      var now = start
      for id in 1...UInt64(60) {
        switch random(4) {
        case 0, 1:
          if queue.enqueue(id, deadline: now + .milliseconds(Int64(random(20)))) { inside.insert(id) }
        case 2:
          if let other = inside.min() {
            let wasCancelled = queue.cancel(other)
            #expect(wasCancelled)
            inside.remove(other)
          }
        default:
          let decision = queue.next(at: now)
          leftTwice += (decision.batch + decision.expired).filter { inside.remove($0) == nil }
        }
        #expect(queue.count == inside.count)
        #expect(queue.count <= queue.capacity)
        now += .milliseconds(Int64(random(10)))
      }
      #expect(leftTwice.isEmpty)
    }
  }
}
