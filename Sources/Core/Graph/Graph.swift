public import ZooTensor

/// A network: nodes in an order in which every node comes after its inputs.
public struct Graph: Sendable {
  /// The index of a node in ``nodes``.
  public typealias NodeID = Int

  public struct Node: Sendable {
    /// Unique in the graph; named after the layer, for example `generator.blocks.3.conv1`.
    public var name: String
    public var operation: Operation
    public var inputs: [NodeID]
    /// The shape of the result for the input shapes that the graph was built with.
    public var shape: Shape

    public init(name: String, operation: Operation, inputs: [NodeID], shape: Shape) {
      self.name = name
      self.operation = operation
      self.inputs = inputs
      self.shape = shape
    }
  }

  public struct Output: Sendable {
    public var name: String
    public var node: NodeID

    public init(name: String, node: NodeID) {
      self.name = name
      self.node = node
    }
  }

  public let nodes: [Node]
  /// The nodes with the operation ``Operation/input``, in the order in which they are fed.
  public let inputs: [NodeID]
  /// What the network answers, in order.
  public let outputs: [Output]

  /// - Precondition: every node's inputs come before it.
  public init(nodes: [Node], inputs: [NodeID], outputs: [Output]) {
    for (id, node) in nodes.enumerated() {
      precondition(node.inputs.allSatisfy { $0 < id }, "\(node.name) comes before one of its inputs")
    }
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs
  }

  /// The number of elements of all constants.
  public var parameterCount: Int {
    nodes.reduce(0) { count, node in
      if case .constant(let tensor) = node.operation { count + tensor.shape.elementCount } else { count }
    }
  }

  /// The shape of every node when the network is fed tensors of the given shapes.
  ///
  /// - Parameter inputShapes: one for each of ``inputs``, in their order, of the rank that the graph was built with.
  /// - Throws: ``GraphError`` that names the layer and the shapes that do not fit.
  public func shapes(for inputShapes: [Shape]) throws(GraphError) -> [Shape] {
    guard inputShapes.count == inputs.count else {
      throw GraphError(
        .inputCount, at: "inputs", "the network takes \(inputs.count) inputs and gets \(inputShapes.count)")
    }
    var shapes: [Shape] = []
    shapes.reserveCapacity(nodes.count)
    for (id, node) in nodes.enumerated() {
      if case .input = node.operation {
        guard let position = inputs.firstIndex(of: id) else {
          throw GraphError(.inputCount, at: node.name, "this input is not among the graph's inputs")
        }
        let (built, fed) = (node.shape, inputShapes[position])
        guard fed.rank == built.rank else {
          throw GraphError(
            .rankMismatch, at: node.name,
            "the input was built as \(built) and gets \(fed): feed a tensor of the same rank")
        }
        shapes.append(fed)
      } else {
        shapes.append(try node.operation.outputShape(of: node.inputs.map { shapes[$0] }, at: node.name))
      }
    }
    return shapes
  }
}
