import ZooBackend
import ZooGraph
import ZooImaging
import ZooPluginKit
import ZooProtocol
import ZooTensor
import ZooWeights

extension ZooError {
  /// What a client is told about an error from inside: those that describe its own request are passed on, of others it
  /// learns no more than that the server failed.
  init(wrapping error: any Error) {
    switch error {
    case let error as ZooError: self = error
    case is CancellationError: self.init(.cancelled, "the request was given up")
    case let error as PluginError:
      switch error.code {
      case .invalidInput: self.init(.invalidArgument, error.message, cause: error.cause)
      case .invalidConfiguration, .invalidFile: self.init(.failedPrecondition, error.message, cause: error.cause)
      case .internalFailure: self.init(.internal, "the plugin failed", cause: error)
      }
    case let error as ImagingError:
      self.init(error.code == .internalFailure ? .internal : .invalidArgument, error.message, cause: error.cause)
    case let error as GraphError: self.init(.invalidArgument, error.description, cause: error)
    case let error as TensorError: self.init(.invalidArgument, error.message, cause: error)
    case let error as WeightsError: self.init(.failedPrecondition, error.message, cause: error.cause)
    case let error as ManifestError: self.init(.invalidArgument, error.description)
    case let error as BackendError:
      switch error.code {
      case .invalidInput: self.init(.invalidArgument, error.message, cause: error.cause)
      case .unavailable, .unsupported: self.init(.failedPrecondition, error.message, cause: error.cause)
      case .outOfMemory: self.init(.resourceExhausted, error.message, cause: error.cause)
      case .deviceLost: self.init(.internal, error.message, cause: error.cause)
      case .internalFailure: self.init(.internal, "the backend failed", cause: error)
      }
    default: self.init(.internal, "the server failed", cause: error)
    }
  }
}
