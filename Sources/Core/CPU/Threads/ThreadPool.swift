import Glibc

/// A fixed number of threads that loops are spread over.
///
/// A loop runs on the calling thread and on the pool's; indices are claimed one by one, so a thread that the operating
/// system holds up takes fewer. Which thread runs an index is open: bodies must give the same result on any. Calls from
/// several threads take turns, so that no more threads compute than the pool has; a call from inside a body runs on
/// its thread alone. Between loops a thread looks out for the next one for some microseconds and then sleeps.
public final class ThreadPool: Sendable {
  /// Threads that a loop may run on, the caller included.
  public let threadCount: Int
  private let state = LoopState()
  private let threads: [pthread_t]

  /// - Parameter count: at least 1, the calling thread included. Fewer are started where the system refuses.
  public init(threads count: Int) {
    var threads: [pthread_t] = []
    for worker in 1..<min(max(count, 1), LoopState.maximumThreads) {
      let start = Unmanaged.passRetained(Start(state: state, worker: worker))
      var thread = pthread_t()
      guard pthread_create(&thread, nil, Self.main, start.toOpaque()) == 0 else {
        start.release()
        break
      }
      threads.append(thread)
    }
    self.threads = threads
    threadCount = threads.count + 1
  }

  deinit {
    state.stop()
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Calls `body` with every index below `count`, and with the number of the thread that runs it: below
  /// ``threadCount``, and no two bodies of one loop run under the same number at once.
  ///
  /// Returns when all have returned.
  ///
  /// - Parameter limit: threads that may take part.
  public func parallelFor(_ count: Int, threads limit: Int = .max, _ body: (_ worker: Int, _ index: Int) -> Void) {
    let limit = min(limit, threadCount, count)
    guard limit > 1, !ThreadMark.isSet else {
      for index in 0..<max(count, 0) { body(0, index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      var loop = LoopState.Loop(count: count, body: body)
      withUnsafeMutablePointer(to: &loop) { state.run($0, threads: limit) }
    }
  }

  private final class Start: Sendable {
    let state: LoopState
    let worker: Int

    init(state: LoopState, worker: Int) {
      self.state = state
      self.worker = worker
    }
  }

  private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
    // What pthread_create was given.
    let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
    ThreadMark.set(true)
    start.state.work(as: start.worker)
    return nil
  }
}

/// A thread's own mark that it is inside a loop.
enum ThreadMark {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key, nil)
    precondition(status == 0, "this process has no thread-specific key left")
    return key
  }()

  static var isSet: Bool { pthread_getspecific(key) != nil }

  static func set(_ isSet: Bool) {
    // Any address but nil serves.
    pthread_setspecific(key, isSet ? UnsafeMutableRawPointer(bitPattern: 1) : nil)
  }
}
