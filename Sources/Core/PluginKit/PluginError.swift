/// Why a plugin cannot be made or cannot answer.
public struct PluginError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The request is at fault.
    case invalidInput
    /// The manifest's `config` is at fault.
    case invalidConfiguration
    /// The weights or another file of the model are at fault.
    case invalidFile
    case internalFailure
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
