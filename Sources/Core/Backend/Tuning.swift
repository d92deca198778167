import Synchronization

/// How layers of a network are computed fastest on a machine, as measured there.
///
/// A backend that has several ways of computing a layer takes the one that is known from here, and where it `measures`, tries
/// out those of a layer that is not known.
public final class Tuning: Sendable {
  public let measures: Bool
  private let state: Mutex<(choices: [String: String], hasChanged: Bool)>

  /// - Parameters:
  ///   - choices: what was measured before: the name of the way, by a description of the layer and of what computes it.
  ///   - measures: true to try out what is not among them, which takes a second or some.
  public init(_ choices: [String: String] = [:], measures: Bool = false) {
    self.measures = measures
    state = Mutex((choices, false))
  }

  public var choices: [String: String] { state.withLock { $0.choices } }

  /// True where something was measured since.
  public var hasChanged: Bool { state.withLock { $0.hasChanged } }

  public subscript(layer: String) -> String? { state.withLock { $0.choices[layer] } }

  public func record(_ choice: String, for layer: String) {
    state.withLock { state in
      state.choices[layer] = choice
      state.hasChanged = true
    }
  }
}
