import ZooGraph
import ZooTensor

/// A graph that loses its constants while they are packed, so that they are in memory once.
struct UnpackedConstants {
  private(set) var graph: Graph
  /// By node: how many others are still to read it.
  private var readers: [Int]
  /// Constants that are operands like any other.
  private let operands: Set<Graph.NodeID>

  init(_ graph: consuming Graph) {
    var readers = Array(repeating: 0, count: graph.nodes.count)
    var operands = Set(graph.outputs.map(\.node))
    for node in graph.nodes {
      for input in node.inputs { readers[input] += 1 }
      operands.formUnion(node.operation.packsWeights ? Array(node.inputs.prefix(1)) : node.inputs)
    }
    self.readers = readers
    self.operands = operands
    self.graph = graph
  }

  func isOperand(_ id: Graph.NodeID) -> Bool { operands.contains(id) }

  /// Leaves the shells of those that only nodes up to the last of `packed` have read.
  mutating func drop(readBy packed: Range<Graph.NodeID>) {
    var nodes = graph.nodes
    for input in packed.flatMap({ nodes[$0].inputs }) {
      readers[input] -= 1
      guard readers[input] == 0, case .constant(let tensor) = nodes[input].operation else { continue }
      nodes[input].operation = .constant(tensor.shell)
    }
    graph = Graph(nodes: nodes, inputs: graph.inputs, outputs: graph.outputs)
  }
}
