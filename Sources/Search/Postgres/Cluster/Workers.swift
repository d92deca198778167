internal import Dispatch
internal import Foundation
internal import Synchronization
internal import ZooItems

/// Threads for work that blocks, which Swift's own threads must not. Each has a state of its own.
final class Workers<State>: Sendable {
  private final class Queue: Sendable {
    struct Contents {
      var jobs: [@Sendable (State) -> Void] = []
      var isStopped = false
    }
    let contents = Mutex(Contents())
    /// Counts jobs, and the stop once for each thread.
    let semaphore = DispatchSemaphore(value: 0)
    let threads = DispatchGroup()

    /// Nil when stopped and nothing is left to do.
    func next() -> (@Sendable (State) -> Void)? {
      semaphore.wait()
      return contents.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
    }
  }

  private let queue = Queue()
  private let count: Int

  /// - Parameter makeState: called on each thread.
  init(_ count: Int, named name: String, makeState: @escaping @Sendable () -> State) {
    self.count = count
    for _ in 0..<count {
      queue.threads.enter()
      let thread = Thread { [queue] in
        let state = makeState()
        while let job = queue.next() { job(state) }
        queue.threads.leave()
      }
      thread.name = name
      thread.start()
    }
  }

  deinit { finish() }

  /// Runs `body` on one of the threads.
  func run<Value: Sendable>(_ body: @escaping @Sendable (State) throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken = queue.contents.withLock { contents in
        guard !contents.isStopped else { return false }
        contents.jobs.append { state in continuation.resume(with: Result { try body(state) }) }
        return true
      }
      if isTaken {
        queue.semaphore.signal()
      } else {
        continuation.resume(throwing: SearchError(.unavailable, "the store is closed: open it again"))
      }
    }
  }

  /// Returns when what was going on is done and the threads have let go of their states.
  func stop() async {
    finish()
    await withCheckedContinuation { continuation in
      queue.threads.notify(queue: .global()) { continuation.resume() }
    }
  }

  private func finish() {
    let wasStopped = queue.contents.withLock { contents in
      defer { contents.isStopped = true }
      return contents.isStopped
    }
    guard !wasStopped else { return }
    for _ in 0..<count { queue.semaphore.signal() }
  }
}
