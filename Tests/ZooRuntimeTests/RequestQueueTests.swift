import Testing

@testable import ZooRuntime

struct RequestQueueTests {
  private let start = ContinuousClock.now

  @Test func handsOutInOrder() {
    var queue = RequestQueue(capacity: 4)
    for id: UInt64 in [3, 1, 2] {
      do {
        let result = queue.enqueue(id, deadline: start + .seconds(1))
        #expect(result)
      }
    }
    do {
      let result = queue.next(at: start)
      #expect(result.batch == [3])
    }
    do {
      let result = queue.next(at: start)
      #expect(result.batch == [1])
    }
    do {
      let result = queue.next(at: start)
      #expect(result.batch == [2])
    }
    do {
      let result = queue.next(at: start)
      #expect(result == RequestQueue.Decision())
    }
  }

  @Test func refusesWhatDoesNotFit() {
    var queue = RequestQueue(capacity: 2)
    do {
      let result = queue.enqueue(1, deadline: start + .seconds(1))
      #expect(result)
    }
    do {
      let result = queue.enqueue(2, deadline: start + .seconds(1))
      #expect(result)
    }
    do {
      let result = queue.enqueue(3, deadline: start + .seconds(1))
      #expect(!result)
    }
    _ = queue.next(at: start)
    do {
      let result = queue.enqueue(3, deadline: start + .seconds(1))
      #expect(result)
    }
  }

  @Test func tellsWhoseTimeIsOver() {
    var queue = RequestQueue(capacity: 4)
    for (id, seconds) in [(UInt64(1), 1), (2, 5), (3, 1), (4, 5)] {
      do {
        let result = queue.enqueue(id, deadline: start + .seconds(seconds))
        #expect(result)
      }
    }
    do {
      let result = queue.next(at: start + .seconds(2))
      #expect(result == RequestQueue.Decision(batch: [2], expired: [1]))
    }
    do {
      let result = queue.next(at: start + .seconds(2))
      #expect(result == RequestQueue.Decision(batch: [4], expired: [3]))
    }
  }

  @Test func forgetsWhatIsCancelled() {
    var queue = RequestQueue(capacity: 4)
    do {
      let result = queue.enqueue(1, deadline: start + .seconds(1))
      #expect(result)
    }
    do {
      let result = queue.enqueue(2, deadline: start + .seconds(1))
      #expect(result)
    }
    do {
      let result = queue.cancel(1)
      #expect(result)
    }
    do {
      let result = queue.cancel(1)
      #expect(!result)
    }
    do {
      let result = queue.next(at: start)
      #expect(result.batch == [2])
    }
    do {
      let result = queue.cancel(2)
      #expect(!result)
    }
  }

  @Test func fillsBatches() {
    var queue = RequestQueue(capacity: 8, batchSize: 3)
    for id: UInt64 in 1...4 {
      do {
        let result = queue.enqueue(id, deadline: start + .seconds(1))
        #expect(result)
      }
    }
    do {
      let result = queue.next(at: start)
      #expect(result.batch == [1, 2, 3])
    }
    do {
      let result = queue.next(at: start)
      #expect(result.batch == [4])
    }
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
      var now = start
      for id in 1...UInt64(60) {
        switch random(4) {
        case 0, 1:
          if queue.enqueue(id, deadline: now + .milliseconds(Int64(random(20)))) { inside.insert(id) }
        case 2:
          if let other = inside.min() {
            do {
              let result = queue.cancel(other)
              let wasInside = inside.remove(other) != nil
              #expect(result == wasInside)
            }
          }
        default:
          let decision = queue.next(at: now)
          for left in decision.batch + decision.expired {
            do {
              let wasInside = inside.remove(left) != nil
              #expect(wasInside)
            }
          }
        }
        #expect(queue.count == inside.count)
        #expect(queue.count <= queue.capacity)
        now += .milliseconds(Int64(random(10)))
      }
    }
  }
}
