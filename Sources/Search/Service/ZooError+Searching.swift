import ZooItems
import ZooProtocol

extension ZooError {
  /// What a client is told about an error from searching.
  init(searching error: any Error) {
    switch error {
    case let error as ZooError: self = error
    case is CancellationError: self.init(.cancelled, "the request was given up")
    case let error as SearchError:
      let code: Code =
        switch error.code {
        case .invalid: .invalidArgument
        case .notFound: .notFound
        case .alreadyExists: .alreadyExists
        case .failedPrecondition: .failedPrecondition
        case .unavailable: .unavailable
        case .dataLoss: .dataLoss
        case .internal: .internal
        }
      self.init(code, error.message, cause: error.cause)
    default: self.init(.internal, "the server failed", cause: error)
    }
  }
}

/// Lets a client know no more of an error than ``ZooError/init(searching:)`` says.
func reporting<Result>(
  isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async throws -> Result {
  do {
    return try await body()
  } catch {
    throw ZooError(searching: error)
  }
}
