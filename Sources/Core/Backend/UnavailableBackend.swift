public import ZooGraph

/// Stands for a backend that this machine lacks: whoever asks for it is told why, and what to do.
public struct UnavailableBackend: Backend {
  public let name: String
  public let reason: BackendError

  public init(name: String, reason: BackendError) {
    self.name = name
    self.reason = reason
  }

  public func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable { throw reason }
}
