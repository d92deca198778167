public import ZooGraph
public import ZooTensor

/// The constants that one node reads.
public struct WeightReader {
  public let graph: Graph
  public let node: Graph.Node

  public init(graph: Graph, node: Graph.Node) {
    self.graph = graph
    self.node = node
  }

  /// - Throws: ``BackendError`` where the operand is computed, or not of a floating-point type.
  public func constant(_ position: Int) throws(BackendError) -> Constant {
    let operand = graph.nodes[node.inputs[position]]
    guard case .constant(let tensor) = operand.operation else {
      throw BackendError(
        .unsupported,
        "\(node.name): the weights come from '\(operand.name)', which is computed; this backend packs weights when it "
          + "compiles: make them a constant, or use a matrix product")
    }
    defer { tensor.evict() }
    return Constant(shape: tensor.shape, values: try tensor.checkedFloats(of: operand.name))
  }

  /// Nil where the node has no operand at this position.
  public func optionalConstant(_ position: Int) throws(BackendError) -> Constant? {
    node.inputs.count > position ? try constant(position) : nil
  }
}

/// A constant tensor as floats.
public struct Constant: Sendable {
  public let shape: Shape
  public let values: [Float]

  public init(shape: Shape, values: [Float]) {
    self.shape = shape
    self.values = values
  }
}

extension Tensor {
  /// The elements as floats.
  ///
  /// - Throws: ``BackendError`` for a tensor that is not of a floating-point type.
  public func checkedFloats(of name: String) throws(BackendError) -> [Float] {
    guard elementType.isFloatingPoint else {
      throw BackendError(
        .unsupported, "the constant '\(name)' is \(elementType): convert it to a floating-point type")
    }
    return floats()
  }
}
