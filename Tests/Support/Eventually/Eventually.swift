/// What a test waited for and what never came.
public struct NeverCame: Error, CustomStringConvertible {
  public let description: String
}

/// Waits until something holds, looking again and again.
///
/// - Parameter limit: far more than it takes, also where many tests share few processors.
/// - Throws: ``NeverCame`` when the limit is reached: a test that waits for good holds up all others.
public func eventually(
  _ what: String, within limit: Duration = .seconds(300), isolation: isolated (any Actor)? = #isolation,
  _ holds: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !holds() {
    guard .now < deadline else { throw NeverCame(description: "\(what): not within \(limit)") }
    try await Task.sleep(for: .milliseconds(1))
  }
}
