import ZooGraph
import ZooTensor

/// A step of a plan before it has a kernel and memory: the operation of one node, and what is worked into it.
///
/// Whatever is worked in saves a pass over a picture: an addition behind a convolution, the statistics of the instance
/// normalisation behind it, the normalisation itself where the next convolution reads.
struct Fusion {
  /// The node whose operation it is.
  let node: Graph.NodeID
  /// The node whose result it gives: `node`, or the addition behind it.
  var result: Graph.NodeID
  /// What is read first, unless it has a normalisation of its own: the operands that are no weights.
  var operands: [Graph.NodeID]
  /// What is added before the activation.
  var addend: Graph.NodeID?
  /// Of the addition.
  var activation: Activation?
  /// The instance normalisation behind it whose statistics it computes as well.
  var statistics: Graph.NodeID?
  /// The instance normalisation through which the first operand goes as it is read; for an instance normalisation
  /// itself, where its statistics are there already.
  var normalization: Graph.NodeID?
  /// What the operands and the addend are read as, and what the result is written as.
  var operandForm = Form.floats
  var resultForm = Form.floats
  /// True where all that is done is to bring the node's result into another form.
  var isConversion = false

  enum Form { case floats, bytes }
}

extension Network {
  /// The steps of this network for nodes of these shapes, in an order in which they can run.
  func fusions(shapes: [Shape]) -> [Fusion] {
    if let quantization {
      QuantizedFusionPass(network: self, quantization: quantization, shapes: shapes).steps()
    } else {
      FusionPass(network: self, shapes: shapes).steps()
    }
  }
}

private struct FusionPass {
  let network: Network
  let shapes: [Shape]
  private var users: [[Graph.NodeID]]
  private var isOutput: [Bool]

  init(network: Network, shapes: [Shape]) {
    self.network = network
    self.shapes = shapes
    let nodes = network.graph.nodes
    users = Array(repeating: [], count: nodes.count)
    isOutput = Array(repeating: false, count: nodes.count)
    for (id, node) in nodes.enumerated() {
      for input in node.inputs { users[input].append(id) }
    }
    for output in network.graph.outputs { isOutput[output.node] = true }
  }

  func steps() -> [Fusion] {
    let nodes = network.graph.nodes
    // By the position in the order: a node that waits for what is worked into it runs where that stood.
    var steps: [Graph.NodeID: Fusion] = [:]
    // Where the step is that computes a node.
    var positions: [Graph.NodeID: Graph.NodeID] = [:]
    for (id, node) in nodes.enumerated() {
      switch node.operation {
      case .input, .constant, .reshape, .flatten:
        continue
      case .instanceNorm:
        var step = Fusion(node: id, result: id, operands: [node.inputs[0]])
        let producer = node.inputs[0]
        if isOnlyUsed(producer, by: id), computesStatistics(producer), let position = positions[producer] {
          steps[position]?.statistics = id
          step.normalization = id
        }
        steps[id] = step
        positions[id] = id
      case .add(let activation):
        if let (operand, addend) = fusableOperand(of: id, positions), let position = positions[operand],
          var step = steps[position]
        {
          step.result = id
          step.addend = addend
          step.activation = activation
          steps[position] = nil
          steps[id] = step
          positions[operand] = id
        } else {
          steps[id] = Fusion(node: id, result: id, operands: node.inputs)
        }
        positions[id] = id
      case .convolution, .transposedConvolution, .linear, .batchNorm:
        var step = Fusion(node: id, result: id, operands: [node.inputs[0]])
        let input = node.inputs[0]
        if isOnlyUsed(input, by: id), normalizesInput(id),
          case .instanceNorm(_, let activation) = nodes[input].operation,
          activation.isClamp, let position = positions[input], steps[position]?.result == input,
          steps[position]?.normalization == input
        {
          step.normalization = input
          step.operands = [nodes[input].inputs[0]]
          steps[position] = nil
        }
        steps[id] = step
        positions[id] = id
      default:
        steps[id] = Fusion(node: id, result: id, operands: node.inputs)
        positions[id] = id
      }
    }
    return steps.keys.sorted().compactMap { steps[$0] }
  }

  private func isOnlyUsed(_ id: Graph.NodeID, by user: Graph.NodeID) -> Bool {
    users[id] == [user] && !isOutput[id]
  }

  /// True where the kernel of `id` computes the statistics of its result, and nothing stands between the two.
  private func computesStatistics(_ id: Graph.NodeID) -> Bool {
    switch network.graph.nodes[id].operation {
    case .convolution(let options): options.activation == nil && convolution(id)?.algorithm.computesStatistics == true
    case .transposedConvolution(let options): options.activation == nil
    default: false
    }
  }

  private func normalizesInput(_ id: Graph.NodeID) -> Bool {
    switch network.graph.nodes[id].operation {
    case .convolution, .transposedConvolution: convolution(id)?.algorithm.normalizesInput == true
    default: false
    }
  }

  /// The operand of an addition that can do it, and the other one.
  private func fusableOperand(
    of id: Graph.NodeID, _ positions: [Graph.NodeID: Graph.NodeID]
  ) -> (operand: Graph.NodeID, addend: Graph.NodeID)? {
    let inputs = network.graph.nodes[id].inputs
    // The later one first: its operands need not be kept any longer.
    let candidates = [(inputs[0], inputs[1]), (inputs[1], inputs[0])].sorted { $0.0 > $1.0 }
    return candidates.first { operand, addend in
      guard shapes[operand] == shapes[addend], isOnlyUsed(operand, by: id), positions[operand] == operand else {
        return false
      }
      switch network.graph.nodes[operand].operation {
      case .convolution(let options):
        return options.activation == nil && convolution(operand)?.algorithm.addsToResult == true
      case .instanceNorm(_, let activation):
        return activation == nil
      default:
        return false
      }
    }
  }

  private func convolution(_ id: Graph.NodeID) -> ConvolutionWeights? {
    if case .convolution(let weights) = network.weights[id] { weights } else { nil }
  }
}

extension ConvolutionAlgorithm {
  fileprivate var computesStatistics: Bool {
    switch self {
    case .pointwise, .im2col, .direct, .winograd: true
    case .narrow, .depthwise: false
    }
  }

  fileprivate var addsToResult: Bool { computesStatistics }

  fileprivate var normalizesInput: Bool {
    if case .winograd = self { true } else { false }
  }
}
