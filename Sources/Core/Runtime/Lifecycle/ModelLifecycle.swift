import ZooProtocol

/// The states of one version of a model: `starting → loading → selfTest → available → draining → ended`.
///
/// A value: events in, the new state or a refusal out. The reason for a state is kept for whoever asks.
struct ModelLifecycle: Sendable, Equatable {
  enum Event: Sendable, Equatable {
    /// The files have been verified.
    case verified
    /// The network is compiled.
    case loaded
    /// The goldens were reproduced.
    case passed
    /// Something on the way failed.
    case failed(reason: String)
    /// Somebody wants it gone.
    case drain(reason: String)
    /// The last request is answered.
    case drained
  }

  private(set) var state: WireModelState = .starting
  private(set) var reason = ""

  /// On disk and not loaded.
  static func atRest(reason: String) -> ModelLifecycle {
    var lifecycle = ModelLifecycle()
    lifecycle.state = .ended
    lifecycle.reason = reason
    return lifecycle
  }

  /// Only an available version takes requests.
  var takesRequests: Bool { state == .available }

  /// - Returns: false where the event cannot happen in this state; nothing changes then.
  mutating func handle(_ event: Event) -> Bool {
    switch (state, event) {
    case (.starting, .verified): state = .loading
    case (.loading, .loaded): state = .selfTest
    case (.selfTest, .passed):
      state = .available
      reason = ""
    case (.starting, .failed(let why)), (.loading, .failed(let why)), (.selfTest, .failed(let why)):
      state = .ended
      reason = why
    case (.available, .drain(let why)):
      state = .draining
      reason = why
    case (.draining, .drained): state = .ended
    default: return false
    }
    return true
  }
}
