import CZooKernels
import Synchronization

/// What the threads of a ``ThreadPool`` share: the loop that runs now and who still works on it.
///
/// A loop is announced by one atomic word, its number and how many threads take part. A thread that takes part is waited
/// for, so the word, and the loop it announces, stay until that thread is done; one that sits out never looks at the
/// loop. So nobody reads a loop that is gone, and nobody runs one twice.
final class LoopState: @unchecked Sendable {
  struct Loop {
    let count: Int
    let body: (_ worker: Int, _ index: Int) -> Void
  }

  static let maximumThreads = 1 << 12
  /// How often a waiting thread looks before it sleeps: some tens of microseconds.
  private static let looks = 2000

  /// One caller at a time.
  private let turn = PthreadMutex()
  /// Guards going to sleep against missing the wake-up.
  private let sleep = PthreadMutex()
  private let announced = PthreadCondition()
  private let finished = PthreadCondition()

  /// Written by the caller whose turn it is before the announcement, read by the threads that take part after it.
  private var loop: UnsafeMutablePointer<Loop>?
  /// The number of the loop, times ``maximumThreads``, plus how many threads take part.
  private let announcement = Atomic<Int>(0)
  private let nextIndex = Atomic<Int>(0)
  /// Threads of the pool that are not done with the loop.
  private let pending = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)

  /// Runs a loop on `threads` threads, this one included.
  func run(_ loop: UnsafeMutablePointer<Loop>, threads: Int) {
    turn.lock()
    self.loop = loop
    nextIndex.store(0, ordering: .relaxed)
    pending.store(threads - 1, ordering: .relaxed)
    announce(threads: threads)

    ThreadMark.set(true)
    claimIndices(of: loop, as: 0)
    ThreadMark.set(false)

    let isDone = { self.pending.load(ordering: .acquiring) == 0 }
    if !look(for: isDone) {
      sleep.lock()
      while !isDone() { finished.wait(sleep) }
      sleep.unlock()
    }
    turn.unlock()
  }

  /// The life of a thread of the pool.
  func work(as worker: Int) {
    var seen = 0
    while true {
      let isNew = { self.announcement.load(ordering: .acquiring) != seen }
      if !look(for: isNew) {
        sleep.lock()
        while !isNew() { announced.wait(sleep) }
        sleep.unlock()
      }
      if isStopping.load(ordering: .acquiring) { return }
      seen = announcement.load(ordering: .acquiring)
      guard worker < seen % Self.maximumThreads, let loop else { continue }
      claimIndices(of: loop, as: worker)
      if pending.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
        sleep.lock()
        finished.broadcast()
        sleep.unlock()
      }
    }
  }

  /// Ends ``work(as:)`` on all threads; no loop may be running.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    announce(threads: 0)
  }

  private func announce(threads: Int) {
    sleep.lock()
    let number = announcement.load(ordering: .relaxed) / Self.maximumThreads &+ 1
    announcement.store(number &* Self.maximumThreads &+ threads, ordering: .releasing)
    announced.broadcast()
    sleep.unlock()
  }

  // Not inlined: no reference to the body may outlive the call, because the caller's closure does not escape.
  @inline(never)
  private func claimIndices(of loop: UnsafeMutablePointer<Loop>, as worker: Int) {
    let count = loop.pointee.count
    while true {
      let index = nextIndex.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      loop.pointee.body(worker, index)
    }
  }

  @inline(__always)
  private func look(for condition: () -> Bool) -> Bool {
    for _ in 0..<Self.looks {
      if condition() { return true }
      zoo_pause()
    }
    return false
  }
}
