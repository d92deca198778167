import NIOConcurrencyHelpers
import NIOCore

/// The connections of a server, so that it can bound, drain and close them.
final class OpenConnections: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isDraining = false
    /// The event loops are about to go.
    var isClosed = false
  }

  /// Sent to a connection's pipeline when the server stops.
  struct DrainEvent: Sendable {}

  private let maximum: Int
  private let state = NIOLockedValueBox(State())

  init(maximum: Int) {
    self.maximum = maximum
  }

  var count: Int { state.withLockedValue { $0.channels.count } }

  /// - Returns: false where there are too many, or the server is stopping.
  func insert(_ channel: any Channel) -> Bool {
    state.withLockedValue { state in
      guard !state.isDraining, state.channels.count < maximum else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      return true
    }
  }

  func remove(_ channel: any Channel) {
    state.withLockedValue { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  func drainAll() {
    let channels = state.withLockedValue { state in
      state.isDraining = true
      return Array(state.channels.values)
    }
    for channel in channels { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
  }

  func waitUntilEmpty(atMost time: Duration) async {
    let deadline = ContinuousClock.now + time
    while count > 0, ContinuousClock.now < deadline {
      try? await Task.sleep(for: .milliseconds(10))
    }
  }

  func closeAll() {
    for channel in state.withLockedValue({ Array($0.channels.values) }) { channel.close(promise: nil) }
  }

  /// Runs `body` on an event loop, for whoever is elsewhere; nothing where the loops are gone. A call may outlive its
  /// connection: one that was given up goes on until it notices, and nobody waits for its answer.
  func deliver(on loop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
    state.withLockedValue { if !$0.isClosed { loop.execute(body) } }
  }

  /// After this nobody reaches an event loop from outside any more, so that they may be shut down.
  func leaveLoops() {
    state.withLockedValue { $0.isClosed = true }
  }
}
