import Foundation

/// Threads for work that computes or waits for the disk, which must not hold up Swift's own pool.
final class BlockingWork: Sendable {
  private let operations: OperationQueue

  init(name: String, width: Int) {
    operations = OperationQueue()
    operations.name = name
    operations.maxConcurrentOperationCount = width
    operations.qualityOfService = .userInitiated
  }

  /// Runs `body` on one of the threads.
  func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { continuation in
      operations.addOperation {
        continuation.resume(with: Swift.Result { try body() })
      }
    }
  }
}
