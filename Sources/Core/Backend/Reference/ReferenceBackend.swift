public import ZooGraph

/// What the other backends are held against: every operation in `Double`, in loops that follow its definition.
///
/// It runs the graph as it is given, without passes, one node after the other, and is slow.
public struct ReferenceBackend: Backend {
  public var name: String { "reference" }

  public init() {}

  public func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
    guard case .float32 = options.precision else {
      throw BackendError(.unsupported, "the reference backend computes in Float64 only: ask for float32")
    }
    let executable = try ReferenceExecutable(graph)
    for shapes in options.plannedShapes { _ = try graph.shapes(for: shapes) }
    return executable
  }
}
