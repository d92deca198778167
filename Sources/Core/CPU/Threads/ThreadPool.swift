import CZooKernels

/// A fixed number of threads that loops are spread over.
///
/// A loop runs on the calling thread and on the pool's. Each has a share of the indices of its own, so that it meets the
/// same part of a picture in every step of a network, and helps the others when it is done; which thread runs an index is
/// open, and bodies must give the same result on any. Calls from several threads take turns, so that no more threads
/// compute than the pool has; a loop on one thread, and a call from inside a body, run on their callers alone.
public final class ThreadPool: @unchecked Sendable {
  // Sendable because the C functions may be called from any thread.
  private let pool: OpaquePointer

  /// Threads that a loop may run on, the caller included.
  public var threadCount: Int { zoo_pool_size(pool) }

  /// - Parameters:
  ///   - count: at least 1, the calling thread included. Fewer are started where the system refuses.
  ///   - isPinned: whether each thread but the caller stays on a processor of its own, if there are as many.
  public init(threads count: Int, isPinned: Bool = false) {
    guard let pool = zoo_pool_create(max(count, 1), isPinned) else {
      fatalError("there is no memory for \(count) threads")
    }
    self.pool = pool
  }

  deinit { zoo_pool_destroy(pool) }

  /// Calls `body` with every index below `count`, and with the number of the thread that runs it: below
  /// ``threadCount``, and no two bodies of one loop run under the same number at once.
  ///
  /// Returns when all have returned.
  ///
  /// - Parameter limit: threads that may take part.
  public func parallelFor(_ count: Int, threads limit: Int = .max, _ body: (_ worker: Int, _ index: Int) -> Void) {
    guard count > 0 else { return }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { pointer in
        zoo_pool_run(
          pool, count, max(limit, 1),
          { context, worker, index in
            // What is passed below.
            context!.assumingMemoryBound(to: ((Int, Int) -> Void).self).pointee(worker, index)
          }, UnsafeMutableRawPointer(mutating: pointer))
      }
    }
  }

  /// Threads look out for the loops of `body` rather than sleep: they follow each other closely.
  ///
  /// - Parameter limit: threads that may take part in the loops; on one there is nothing to look out for.
  func expectingLoops<Result>(threads limit: Int, _ body: () throws -> Result) rethrows -> Result {
    guard limit > 1 else { return try body() }
    zoo_pool_begin(pool)
    defer { zoo_pool_end(pool) }
    return try body()
  }
}
