import ZooBackend
import ZooGraph
import ZooTensor

extension Network {
  /// Operations for each byte of weights from which on the items of a batch are computed one after the other, or one on
  /// each thread: intermediate results of one item stay in the cache, and the weights, which each item reads anew, arrive
  /// faster than they are used.
  private static let operationsPerByte = 16

  /// True where each item of a batch is computed by itself, because that is faster; the result is the same.
  static func separatesItems(_ graph: Graph, weightBytes: Int) -> Bool {
    let hasConvolution = graph.nodes.contains { node in
      if case .convolution = node.operation { true } else { false }
    }
    guard hasConvolution, graph.hasIndependentItems else { return false }
    var operations = 0
    for node in graph.nodes {
      let count = node.operation.operationCount(inputs: node.inputs.map { graph.nodes[$0].shape }, result: node.shape)
      operations += count / max(node.shape.dimensions.first ?? 1, 1)
    }
    return operations / operationsPerByte >= weightBytes
  }
}

extension Graph {
  /// True where item i of every result depends on item i of every input alone, items lying along the first axis.
  fileprivate var hasIndependentItems: Bool {
    nodes.allSatisfy { node in
      switch node.operation {
      case .constant:
        return true
      case .input, .convolution, .transposedConvolution, .linear, .batchNorm, .instanceNorm, .activation, .pad, .pool,
        .globalAveragePool, .resize:
        return node.shape.rank >= 2
      case .add, .multiply:
        // Two of one rank, or one that all items share.
        return node.inputs.allSatisfy { id in
          let operand = nodes[id]
          guard case .constant(let tensor) = operand.operation else { return operand.shape.rank == node.shape.rank }
          return tensor.shape.rank < node.shape.rank || tensor.shape[0] == 1
        }
      case .flatten(let axis):
        return axis >= 1
      case .concatenate(let axis):
        return axis >= 1 && node.inputs.allSatisfy { !nodes[$0].operation.isConstant }
      case .softmax(let axis):
        return axis != 0 && axis != -node.shape.rank
      case .reshape(let extents):
        // The first axis as it was, and no other from which its extent would follow.
        return extents.first == 0
      case .matrixMultiply:
        return false
      }
    }
  }
}
