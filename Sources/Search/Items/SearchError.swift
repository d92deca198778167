/// What searching, and the stores under it, fail with.
public struct SearchError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The request is at fault: the message names the field, the value and the remedy.
    case invalid
    case notFound
    case alreadyExists
    /// The index is not in a state for it.
    case failedPrecondition
    /// The store cannot be reached or is full; later it may work.
    case unavailable
    /// What is stored is damaged.
    case dataLoss
    case `internal`
  }

  public let code: Code
  /// Names the field, the value and the remedy.
  public let message: String
  public let cause: (any Error)?

  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { message }
}
