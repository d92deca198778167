import Synchronization
import Testing
import ZooCPU

struct ThreadPoolTests {
  /// How often each index was run.
  private final class Counts: Sendable {
    private let counts: Mutex<[Int]>

    init(_ count: Int) { counts = Mutex(Array(repeating: 0, count: count)) }

    func add(_ index: Int) { counts.withLock { $0[index] += 1 } }
    var all: [Int] { counts.withLock { $0 } }
  }

  @Test("every index runs once", arguments: [1, 2, 5], [0, 1, 2, 3, 1000])
  func everyIndexOnce(threads: Int, count: Int) {
    let pool = ThreadPool(threads: threads)
    let counts = Counts(count)
    for _ in 0..<20 { pool.parallelFor(count) { _, index in counts.add(index) } }
    #expect(counts.all == Array(repeating: 20, count: count))
  }

  @Test("a negative count runs nothing")
  func negativeCount() {
    ThreadPool(threads: 2).parallelFor(-3) { _, _ in Issue.record("there is no index") }
  }

  @Test("no two bodies run under the same thread number at once, and numbers stay below the limit")
  func threadNumbersAreExclusive() {
    let pool = ThreadPool(threads: 4)
    let busy = Mutex(Array(repeating: false, count: 4))
    for limit in 1...4 {
      pool.parallelFor(500, threads: limit) { worker, _ in
        #expect(worker < limit)
        let wasBusy = busy.withLock { busy in
          defer { busy[worker] = true }
          return busy[worker]
        }
        #expect(!wasBusy)
        busy.withLock { $0[worker] = false }
      }
    }
  }

  @Test("a loop inside a loop runs on its thread alone")
  func nestedLoops() {
    let pool = ThreadPool(threads: 3)
    let counts = Counts(6 * 7)
    pool.parallelFor(6) { _, outer in
      pool.parallelFor(7) { worker, inner in
        #expect(worker == 0)
        counts.add(outer * 7 + inner)
      }
    }
    #expect(counts.all == Array(repeating: 1, count: 42))
  }

  @Test("loops from many threads at once all run, and what they wrote is seen when they return")
  func loopsFromManyThreads() async {
    let pool = ThreadPool(threads: 3)
    await withTaskGroup(of: Void.self) { group in
      for caller in 0..<8 {
        group.addTask {
          for round in 0..<200 {
            let sum = Atomic<Int>(0)
            let count = 1 + (caller + round) % 9
            pool.parallelFor(count, threads: 1 + round % 4) { _, index in
              sum.wrappingAdd(index + 1, ordering: .relaxed)
            }
            #expect(sum.load(ordering: .relaxed) == count * (count + 1) / 2)
          }
        }
      }
    }
  }

  @Test("a pool that sleeps between loops wakes up for the next")
  func wakesAfterSleep() async throws {
    let pool = ThreadPool(threads: 2)
    let counts = Counts(4)
    for _ in 0..<3 {
      // Long enough that the threads have stopped looking out; the test holds whether or not they sleep.
      try await Task.sleep(for: .milliseconds(5))
      pool.parallelFor(4) { _, index in counts.add(index) }
    }
    #expect(counts.all == [3, 3, 3, 3])
  }

  @Test("pools can be made and dropped at will")
  func poolsEnd() {
    for threads in 1...20 {
      let counts = Counts(3)
      ThreadPool(threads: threads).parallelFor(3) { _, index in counts.add(index) }
      #expect(counts.all == [1, 1, 1])
    }
  }
}
