public import ZooTensor

/// Grows a graph node by node; layers call it through the ``Value`` they are applied to.
///
/// Shapes are inferred as nodes are added, so a layer that does not fit is reported where it stands.
public final class GraphBuilder {
  private var nodes: [Graph.Node] = []
  private var inputs: [Graph.NodeID] = []
  private var scopes: [String] = []
  private var names: Set<String> = []

  public init() {}

  /// A tensor that is fed at run time.
  ///
  /// - Parameter shape: the shape to build with; other batch and picture sizes may be fed later.
  public func input(_ name: String, shape: Shape) throws(GraphError) -> Value {
    let value = try append(.input, inputs: [], shape: shape, name: name)
    inputs.append(value.id)
    return value
  }

  /// A tensor that is known now.
  public func constant(_ tensor: Tensor, name: String) throws(GraphError) -> Value {
    try append(.constant(tensor), inputs: [], shape: tensor.shape, name: name)
  }

  /// Adds an operation on values of this builder.
  public func apply(_ operation: Operation, to operands: [Value], name: String) throws(GraphError) -> Value {
    precondition(operands.allSatisfy { $0.builder === self }, "\(name): a value of another graph")
    let qualified = qualify(name)
    let shape = try operation.outputShape(of: operands.map(\.shape), at: qualified)
    return try append(operation, inputs: operands.map(\.id), shape: shape, name: name)
  }

  /// Names of nodes added by `body` start with `name` and a dot.
  public func scope<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return try body()
  }

  /// The finished network.
  public func graph(outputs: [(name: String, value: Value)]) -> Graph {
    Graph(nodes: nodes, inputs: inputs, outputs: outputs.map { Graph.Output(name: $0.name, node: $0.value.id) })
  }

  private func qualify(_ name: String) -> String {
    (scopes + [name]).joined(separator: ".")
  }

  private func append(
    _ operation: Operation, inputs: [Graph.NodeID], shape: Shape, name: String
  ) throws(GraphError) -> Value {
    var unique = qualify(name)
    var suffix = 2
    while !names.insert(unique).inserted {
      unique = qualify("\(name)_\(suffix)")
      suffix += 1
    }
    nodes.append(Graph.Node(name: unique, operation: operation, inputs: inputs, shape: shape))
    return Value(builder: self, id: nodes.count - 1, shape: shape)
  }
}

/// The result of a node in a graph that is being built.
public struct Value {
  public let builder: GraphBuilder
  public let id: Graph.NodeID
  public let shape: Shape

  init(builder: GraphBuilder, id: Graph.NodeID, shape: Shape) {
    self.builder = builder
    self.id = id
    self.shape = shape
  }
}
