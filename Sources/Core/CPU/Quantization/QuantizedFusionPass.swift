import ZooBackend
import ZooGraph
import ZooTensor

/// The steps of a network of which a part is computed in 8 bits, with the conversions between the two.
struct QuantizedFusionPass {
  let network: Network
  let quantization: Quantization
  let shapes: [Shape]
  private let users: [[Graph.NodeID]]
  private let isOutput: [Bool]

  init(network: Network, quantization: Quantization, shapes: [Shape]) {
    self.network = network
    self.quantization = quantization
    self.shapes = shapes
    let nodes = network.graph.nodes
    var users: [[Graph.NodeID]] = Array(repeating: [], count: nodes.count)
    var isOutput = Array(repeating: false, count: nodes.count)
    for (id, node) in nodes.enumerated() {
      for input in node.inputs { users[input].append(id) }
    }
    for output in network.graph.outputs { isOutput[output.node] = true }
    self.users = users
    self.isOutput = isOutput
  }

  func steps() -> [Fusion] {
    var order = Order(graph: network.graph)
    for (id, node) in network.graph.nodes.enumerated() {
      switch node.operation {
      case .constant, .reshape, .flatten:
        continue
      case .input:
        order.have(id, .floats)
      case .add(let activation) where computesInBytes(id):
        if let (operand, addend) = fusableOperand(of: id, order), var step = order.remove(operand) {
          order.need(addend, .bytes)
          step.result = id
          step.addend = addend
          step.activation = activation
          step.resultForm = resultForm(of: id)
          order.append(step)
        } else {
          order.append(Fusion(node: id, result: id, operands: node.inputs, operandForm: .bytes, resultForm: .bytes))
        }
      default:
        // Weights are no operands.
        let operands =
          switch node.operation {
          case .convolution, .transposedConvolution, .linear, .batchNorm, .instanceNorm: [node.inputs[0]]
          default: node.inputs
          }
        if computesInBytes(id) {
          order.append(
            Fusion(node: id, result: id, operands: operands, operandForm: .bytes, resultForm: resultForm(of: id)))
        } else {
          order.append(Fusion(node: id, result: id, operands: operands))
        }
      }
    }
    for output in network.graph.outputs { order.need(output.node, .floats) }
    return order.steps.compactMap(\.self)
  }

  /// A sum is taken of bytes only where nothing is broadcast.
  private func computesInBytes(_ id: Graph.NodeID) -> Bool {
    let node = network.graph.nodes[id]
    if case .add = node.operation, shapes[node.inputs[0]] != shapes[node.inputs[1]] { return false }
    return quantization.computes(id)
  }

  /// What the kernel of a node that reads bytes writes. A layer with weights writes what those that read it need.
  private func resultForm(of id: Graph.NodeID) -> Fusion.Form {
    switch network.graph.nodes[id].operation {
    case .globalAveragePool: .floats
    case .convolution, .linear, .add: isReadAsBytes(id) ? .bytes : .floats
    default: .bytes
    }
  }

  private func isReadAsBytes(_ id: Graph.NodeID) -> Bool {
    users[id].contains { user in
      switch network.graph.nodes[user].operation {
      case .reshape, .flatten: isReadAsBytes(user)
      default: computesInBytes(user)
      }
    }
  }

  /// The convolution whose result is the one operand of an addition and is needed for nothing else, and the other operand.
  private func fusableOperand(
    of id: Graph.NodeID, _ order: Order
  ) -> (operand: Graph.NodeID, addend: Graph.NodeID)? {
    let inputs = network.graph.nodes[id].inputs
    // The later one first: its operands need not be kept any longer.
    let candidates = [(inputs[0], inputs[1]), (inputs[1], inputs[0])].sorted { $0.0 > $1.0 }
    return candidates.first { operand, addend in
      guard users[operand] == [id], !isOutput[operand], computesInBytes(operand), order.isOwnStep(operand),
        case .convolution(let options) = network.graph.nodes[operand].operation, options.activation == nil,
        case .quantized(let weights) = network.weights[operand]
      else { return false }
      return weights.addsToResult
    }
  }

  /// Steps in the order in which they run, and the forms in which they leave results.
  private struct Order {
    let graph: Graph
    /// Nil where a step was taken out.
    private(set) var steps: [Fusion?] = []
    private var forms: [Graph.NodeID: Set<Fusion.Form>] = [:]
    private var positions: [Graph.NodeID: Int] = [:]

    init(graph: Graph) { self.graph = graph }

    mutating func have(_ id: Graph.NodeID, _ form: Fusion.Form) {
      forms[id, default: []].insert(form)
    }

    /// Sees to it that what the node gives is there in this form.
    mutating func need(_ id: Graph.NodeID, _ form: Fusion.Form) {
      let id = graph.root(of: id)
      guard let present = forms[id], !present.contains(form) else { return }
      steps.append(
        Fusion(
          node: id, result: id, operands: [id], operandForm: form == .bytes ? .floats : .bytes, resultForm: form,
          isConversion: true))
      have(id, form)
    }

    mutating func append(_ step: Fusion) {
      for operand in step.operands { need(operand, step.operandForm) }
      positions[step.result] = steps.count
      steps.append(step)
      have(step.result, step.resultForm)
    }

    mutating func remove(_ id: Graph.NodeID) -> Fusion? {
      guard let position = positions[id], let step = steps[position] else { return nil }
      steps[position] = nil
      forms[id] = nil
      return step
    }

    /// True where a step computes the node and nothing else was worked into it.
    func isOwnStep(_ id: Graph.NodeID) -> Bool {
      positions[id].flatMap { steps[$0] }.map { $0.node == id && $0.addend == nil } ?? false
    }
  }
}
