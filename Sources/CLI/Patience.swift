import ZooProtocol

/// How long, and how often, something is asked again that the server may soon be ready for.
struct Patience {
  private var delay = Duration.milliseconds(200)
  private let end = ContinuousClock.now + .seconds(60)

  /// Waits for longer than the time before; half of it is by chance, so that many callers do not come back at once.
  ///
  /// - Returns: false, at once, where it was long enough.
  mutating func pause() async throws -> Bool {
    guard ContinuousClock.now + delay < end else { return false }
    try await Task.sleep(for: delay * Double.random(in: 0.5...1))
    delay = min(delay * 2, .seconds(5))
    return true
  }
}

extension ZooError.Code {
  /// True where the same call may go well a little later.
  var mayPass: Bool { self == .resourceExhausted || self == .unavailable }
}
