internal import Dispatch
internal import GRDB
import Synchronization

/// Writers, in the order in which they came. What comes while a group is being committed waits and goes into the next
/// group: many small writes share one flush to the disk.
final class WriteQueue: Sendable {
  struct Job: Sendable {
    /// Items that it writes, about.
    let size: Int
    /// Writes, and returns what tells the caller once all is committed. May run again where the group it was in has failed.
    let write: @Sendable (inout WriteTransaction) throws -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
  }

  private struct State {
    var waiting: [Entry] = []
    var isRunning = false
  }

  private enum Entry {
    case job(Job)
    case alone(@Sendable () -> Void)
  }

  /// A group is no larger, unless one job is.
  private static let groupSize = 256

  let pool: DatabasePool
  let resident: Resident
  private let queue = DispatchQueue(label: "index.writer")
  private let state = Mutex(State())

  init(_ pool: DatabasePool, _ resident: Resident) {
    self.pool = pool
    self.resident = resident
  }

  /// Writes as part of a group.
  func write<Result: Sendable>(
    size: Int, _ body: @escaping @Sendable (inout WriteTransaction) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      add(
        .job(
          Job(
            size: size,
            write: { transaction in
              let result = try body(&transaction)
              return { continuation.resume(returning: result) }
            }, fail: { continuation.resume(throwing: $0) })))
    }
  }

  /// Does something while nobody writes.
  func alone<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      add(.alone { continuation.resume(with: Swift.Result { try body() }) })
    }
  }

  private func add(_ entry: Entry) {
    let starts = state.withLock { state in
      state.waiting.append(entry)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if starts { queue.async { self.run() } }
  }

  private func run() {
    while let entries = next() {
      var jobs: [Job] = []
      for entry in entries {
        switch entry {
        case .job(let job): jobs.append(job)
        case .alone(let body): body()
        }
      }
      if !jobs.isEmpty { commit(jobs) }
    }
  }

  /// The next group, or one entry that is to be alone.
  private func next() -> [Entry]? {
    state.withLock { state in
      var size = 0
      let end = state.waiting.firstIndex { entry in
        guard case .job(let job) = entry else { return true }
        size += job.size
        return size > Self.groupSize
      }
      guard !state.waiting.isEmpty else {
        state.isRunning = false
        return nil
      }
      let count = max(1, end ?? state.waiting.count)
      defer { state.waiting.removeFirst(count) }
      return Array(state.waiting.prefix(count))
    }
  }
}
