/// Why a graph cannot be built or run.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    case shapeMismatch
    case rankMismatch
    case invalidParameter
    case emptyResult
    case inputCount
    case tooLarge
    case duplicateName
  }

  public let code: Code
  /// The layer, as it is named in the graph.
  public let layer: String
  /// Names what was expected, what came and the remedy.
  public let message: String

  public init(_ code: Code, at layer: String, _ message: String) {
    self.code = code
    self.layer = layer
    self.message = message
  }

  public var description: String { "\(layer): \(message)" }
}
