internal import Foundation
internal import ZooItems

/// How long a call goes on trying while a server is away, and when it tries again.
struct Patience {
  private let deadline: ContinuousClock.Instant
  private var pause = Duration.milliseconds(10)

  init(_ duration: Duration) { deadline = .now + duration }

  /// - Returns: how long to wait before trying again.
  /// - Throws: the failure as a `SearchError` where trying again would not help, or has been tried for long enough.
  mutating func pause(after failure: PostgresFailure) throws -> Duration {
    guard failure.mayPass, .now + pause < deadline else { throw failure.searchError }
    defer { pause = min(pause * 2, .milliseconds(250)) }
    return pause
  }

  /// Waits on this thread, which is a worker's.
  mutating func wait(after failure: PostgresFailure) throws {
    let pause = try pause(after: failure)
    Thread.sleep(forTimeInterval: pause / .seconds(1))
  }
}
