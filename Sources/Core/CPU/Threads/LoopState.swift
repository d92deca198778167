import CZooKernels
import Synchronization

/// What the threads of a ``ThreadPool`` share: the loop that runs now and who works on it.
///
/// A loop is announced by one atomic word. A thread of the pool enters it by raising the count in that word, which
/// succeeds only while the loop is open; the caller closes it when no index is left and then waits for those inside. So
/// nobody reads a loop that is gone, and a thread that the operating system wakes too late holds nobody up.
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

  /// Written by the caller whose turn it is before the loop is opened, read by the threads that have entered.
  private var loop: UnsafeMutablePointer<Loop>?
  private let word = Atomic<UInt64>(0)
  private let nextIndex = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)

  /// What the word says: from its low bits up, the threads of the pool inside the loop, whether it is open, how many
  /// threads may take part, the caller included, and the number of the loop.
  private struct Announcement {
    static let open: UInt64 = 1 << 12

    var bits: UInt64

    init(bits: UInt64) { self.bits = bits }

    init(number: UInt64, threads: Int) {
      bits = number << 26 | UInt64(threads) << 13 | Self.open
    }

    var threadsInside: UInt64 { bits & (Self.open - 1) }
    var isOpen: Bool { bits & Self.open != 0 }
    var threads: Int { Int(bits >> 13 & 0x1FFF) }
    var number: UInt64 { bits >> 26 }
  }

  /// Runs a loop on at most `threads` threads, this one included.
  func run(_ loop: UnsafeMutablePointer<Loop>, threads: Int) {
    turn.lock()
    self.loop = loop
    nextIndex.store(0, ordering: .relaxed)
    announce(threads: threads)

    ThreadMark.set(true)
    claimIndices(of: loop, as: 0)
    ThreadMark.set(false)

    word.bitwiseAnd(~Announcement.open, ordering: .acquiringAndReleasing)
    let isDone = { Announcement(bits: self.word.load(ordering: .acquiring)).threadsInside == 0 }
    if !look(for: isDone) {
      sleep.lock()
      while !isDone() { finished.wait(sleep) }
      sleep.unlock()
    }
    turn.unlock()
  }

  /// The life of a thread of the pool.
  func work(as worker: Int) {
    var seen: UInt64 = 0
    while true {
      let isNew = { Announcement(bits: self.word.load(ordering: .acquiring)).number != seen }
      if !look(for: isNew) {
        sleep.lock()
        while !isNew() { announced.wait(sleep) }
        sleep.unlock()
      }
      if isStopping.load(ordering: .acquiring) { return }
      guard enter(as: worker, &seen), let loop else { continue }
      claimIndices(of: loop, as: worker)
      let left = Announcement(bits: word.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue)
      if left.threadsInside == 0, !left.isOpen {
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
    let number = Announcement(bits: word.load(ordering: .relaxed)).number
    word.store(Announcement(number: number &+ 1, threads: threads).bits, ordering: .releasing)
    announced.broadcast()
    sleep.unlock()
  }

  /// Enters the loop that is announced now, unless it is closed or this thread is not among those that may.
  ///
  /// - Parameter seen: set to the number of the loop.
  private func enter(as worker: Int, _ seen: inout UInt64) -> Bool {
    var now = Announcement(bits: word.load(ordering: .acquiring))
    while true {
      seen = now.number
      guard now.isOpen, worker < now.threads else { return false }
      let (entered, original) = word.compareExchange(
        expected: now.bits, desired: now.bits + 1, ordering: .acquiringAndReleasing)
      if entered { return true }
      now = Announcement(bits: original)
    }
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
