public import ZooGraph
public import ZooTensor

/// A graph that is interpreted in `Double`.
public struct ReferenceExecutable: Executable {
  private let graph: Graph
  /// The constants, by node.
  private let constants: [Graph.NodeID: ReferenceValue]
  /// The node that needs a result last; results of outputs are needed to the end.
  private let lastUse: [Graph.NodeID]

  /// - Throws: ``BackendError`` for a constant that is not of a floating-point type, `GraphError` for shapes that do not
  ///   fit.
  public init(_ graph: Graph) throws {
    _ = try graph.shapes(for: graph.inputs.map { graph.nodes[$0].shape })
    var constants: [Graph.NodeID: ReferenceValue] = [:]
    var lastUse = Array(graph.nodes.indices)
    for (id, node) in graph.nodes.enumerated() {
      if case .constant(let tensor) = node.operation {
        guard tensor.elementType.isFloatingPoint else {
          throw BackendError(
            .unsupported, "the constant '\(node.name)' is \(tensor.elementType): convert it to a floating-point type")
        }
        constants[id] = ReferenceValue(tensor)
      }
      for input in node.inputs { lastUse[input] = id }
    }
    for output in graph.outputs { lastUse[output.node] = graph.nodes.count }
    self.graph = graph
    self.constants = constants
    self.lastUse = lastUse
  }

  public var memory: MemoryUse {
    let elements = constants.values.reduce(0) { $0 + $1.elements.count }
    return MemoryUse(weights: elements * MemoryLayout<Double>.stride, activations: 0)
  }

  public func run(_ inputs: [Tensor]) throws -> [Tensor] {
    try evaluate(inputs).map { try $0.tensor() }
  }

  /// Runs the network without rounding the results to `Float`.
  public func evaluate(_ inputs: [Tensor]) throws(BackendError) -> [ReferenceValue] {
    var results: [Graph.NodeID: ReferenceValue] = [:]
    try forEachNode(inputs) { id, value in
      if lastUse[id] == graph.nodes.count { results[id] = value }
    }
    return graph.outputs.map { output in
      // Every output is a node, and every node was visited.
      results[output.node]!
    }
  }

  /// Every result on the way, by the name of its node: for comparing a network layer by layer.
  public func evaluateNodes(_ inputs: [Tensor]) throws(BackendError) -> [String: ReferenceValue] {
    var results: [String: ReferenceValue] = [:]
    try forEachNode(inputs) { id, value in results[graph.nodes[id].name] = value }
    return results
  }

  private func forEachNode(
    _ inputs: [Tensor], _ body: (Graph.NodeID, ReferenceValue) -> Void
  ) throws(BackendError) {
    let shapes = try graph.validate(inputs)
    var values: [Graph.NodeID: ReferenceValue] = [:]
    for (position, id) in graph.inputs.enumerated() { values[id] = ReferenceValue(inputs[position]) }
    for (id, node) in graph.nodes.enumerated() {
      let operands = node.inputs.map { input in
        // A node comes after its inputs, and none is freed before its last use.
        values[input]!
      }
      let value = values[id] ?? constants[id] ?? node.operation.reference(operands, shape: shapes[id])
      body(id, value)
      values[id] = value
      for input in node.inputs + [id] where lastUse[input] <= id { values[input] = nil }
    }
  }
}
