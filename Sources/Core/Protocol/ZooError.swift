/// What a request can fail with: the code and message of a response's status.
public struct ZooError: Error, Sendable, CustomStringConvertible {
  public typealias Code = WireStatusCode

  public let code: Code
  /// Names the field, the value and the remedy, and no internals: it goes to the client.
  public let message: String
  /// For the log, never for the client.
  public let cause: (any Error)?

  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The error that a status stands for; nil for OK.
  public init?(_ status: WireStatus) {
    guard status.code != .ok else { return nil }
    self.init(status.code, status.message)
  }

  public var status: WireStatus {
    var status = WireStatus()
    status.code = code
    status.message = message
    return status
  }

  public var description: String { "\(code.name): \(message)" }
}

extension WireStatusCode {
  /// As it is written in documents and shown to people: `NOT_FOUND`.
  public var name: String {
    switch self {
    case .ok: "OK"
    case .cancelled: "CANCELLED"
    case .unknown: "UNKNOWN"
    case .invalidArgument: "INVALID_ARGUMENT"
    case .deadlineExceeded: "DEADLINE_EXCEEDED"
    case .notFound: "NOT_FOUND"
    case .alreadyExists: "ALREADY_EXISTS"
    case .permissionDenied: "PERMISSION_DENIED"
    case .resourceExhausted: "RESOURCE_EXHAUSTED"
    case .failedPrecondition: "FAILED_PRECONDITION"
    case .aborted: "ABORTED"
    case .unimplemented: "UNIMPLEMENTED"
    case .internal: "INTERNAL"
    case .unavailable: "UNAVAILABLE"
    case .dataLoss: "DATA_LOSS"
    case .unauthenticated: "UNAUTHENTICATED"
    case .UNRECOGNIZED(let number): "CODE_\(number)"
    }
  }
}
