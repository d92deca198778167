import ZooTensor

/// Writes a graph anew, node by node, as a rule says.
///
/// A rule looks at one node of the old graph and either leaves it, replaces it by a result that is there already, or
/// replaces it and what stands before it by one new node. Results that nobody uses any more are dropped, and what the
/// graph answers keeps its names and order.
struct GraphRewriter {
  enum Operand {
    /// A node of the old graph.
    case node(Graph.NodeID)
    case constant(Tensor, name: String)
  }

  enum Rewrite {
    case keep
    /// Everybody who used this node uses another of the old graph, which comes before it.
    case forward(to: Graph.NodeID)
    /// A node with the same result.
    case replace(name: String, Operation, [Operand])
  }

  /// The old graph's nodes, with shapes inferred anew.
  private let nodes: [Graph.Node]
  /// How many inputs of nodes and outputs of the graph each node is.
  private let useCounts: [Int]

  private init(_ graph: Graph) throws(GraphError) {
    let shapes = try graph.shapes(for: graph.inputs.map { graph.nodes[$0].shape })
    nodes = zip(graph.nodes, shapes).map { node, shape in
      Graph.Node(name: node.name, operation: node.operation, inputs: node.inputs, shape: shape)
    }
    var counts = Array(repeating: 0, count: graph.nodes.count)
    for node in graph.nodes {
      for input in node.inputs { counts[input] += 1 }
    }
    for output in graph.outputs { counts[output.node] += 1 }
    useCounts = counts
  }

  /// - Throws: `GraphError` where the shapes of `graph` do not fit, or what `rule` throws.
  static func rewrite(_ graph: Graph, rule: (Graph.NodeID, GraphRewriter) throws -> Rewrite) throws -> Graph {
    let rewriter = try GraphRewriter(graph)
    var nodes: [Graph.Node] = []
    // Where the result of each old node is found among the new ones.
    var targets: [Graph.NodeID] = []
    for (id, node) in rewriter.nodes.enumerated() {
      switch try rule(id, rewriter) {
      case .keep:
        var copy = node
        copy.inputs = node.inputs.map { targets[$0] }
        nodes.append(copy)
        targets.append(nodes.count - 1)
      case .forward(let other):
        targets.append(targets[other])
      case .replace(let name, let operation, let operands):
        var inputs: [Graph.NodeID] = []
        for operand in operands {
          switch operand {
          case .node(let other):
            inputs.append(targets[other])
          case .constant(let tensor, let name):
            nodes.append(Graph.Node(name: name, operation: .constant(tensor), inputs: [], shape: tensor.shape))
            inputs.append(nodes.count - 1)
          }
        }
        nodes.append(Graph.Node(name: name, operation: operation, inputs: inputs, shape: node.shape))
        targets.append(nodes.count - 1)
      }
    }
    return Self.live(
      nodes, inputs: graph.inputs.map { targets[$0] },
      outputs: graph.outputs.map { Graph.Output(name: $0.name, node: targets[$0.node]) })
  }

  subscript(id: Graph.NodeID) -> Graph.Node { nodes[id] }

  /// True where `id` may be merged into its user: nobody else, the graph's caller included, sees its result.
  func hasOneUse(_ id: Graph.NodeID) -> Bool { useCounts[id] == 1 }

  func constant(_ id: Graph.NodeID) -> Tensor? {
    if case .constant(let tensor) = nodes[id].operation { tensor } else { nil }
  }

  /// The graph without nodes that do not reach an output; inputs stay, because callers count them.
  private static func live(_ nodes: [Graph.Node], inputs: [Graph.NodeID], outputs: [Graph.Output]) -> Graph {
    var isLive = Array(repeating: false, count: nodes.count)
    for id in inputs + outputs.map(\.node) { isLive[id] = true }
    for id in nodes.indices.reversed() where isLive[id] {
      for input in nodes[id].inputs { isLive[input] = true }
    }
    var targets = Array(repeating: 0, count: nodes.count)
    var kept: [Graph.Node] = []
    var names: Set<String> = []
    for (id, node) in nodes.enumerated() where isLive[id] {
      var copy = node
      copy.inputs = node.inputs.map { targets[$0] }
      var suffix = 2
      while !names.insert(copy.name).inserted {
        copy.name = "\(node.name)_\(suffix)"
        suffix += 1
      }
      targets[id] = kept.count
      kept.append(copy)
    }
    return Graph(
      nodes: kept, inputs: inputs.map { targets[$0] },
      outputs: outputs.map { Graph.Output(name: $0.name, node: targets[$0.node]) })
  }
}
