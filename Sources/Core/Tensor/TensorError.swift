/// What can be wrong with a shape or with the bytes of a tensor.
public struct TensorError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    case invalidShape
    case tooLarge
    case byteCountMismatch
    case elementTypeMismatch
    case outOfMemory
  }

  public let code: Code
  /// Names the value and the remedy.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
