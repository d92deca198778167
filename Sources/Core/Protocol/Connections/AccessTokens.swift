/// Who may do what, by the token in a hello.
public struct AccessTokens: Sendable {
  public enum Access: Sendable, Comparable {
    case none
    /// Call models and look at them.
    case call
    /// Register, load, unload and remove models as well.
    case administer
  }

  private let call: String?
  private let administer: String?

  /// - Parameters:
  ///   - call: what every client must show; nil to let everyone call.
  ///   - administer: what grants changes to the server; nil to let nobody change anything.
  public init(call: String? = nil, administer: String? = nil) {
    self.call = call
    self.administer = administer
  }

  public func access(of token: String) -> Access {
    if let administer, Self.isEqual(token, administer) { return .administer }
    guard let call else { return .call }
    return Self.isEqual(token, call) ? .call : .none
  }

  /// Takes as long for a token that is wrong at its end as for one that is wrong at its start.
  private static func isEqual(_ token: String, _ secret: String) -> Bool {
    let token = Array(token.utf8)
    let secret = Array(secret.utf8)
    guard !secret.isEmpty else { return false }
    var difference = UInt8(token.count == secret.count ? 0 : 1)
    for index in secret.indices {
      difference |= secret[index] ^ (index < token.count ? token[index] : 0)
    }
    return difference == 0
  }
}
