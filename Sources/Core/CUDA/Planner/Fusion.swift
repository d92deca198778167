import ZooGraph
import ZooTensor

/// A step of a plan before it has kernels and memory: the operation of one node, and the addition behind it that its
/// kernel does as it writes.
struct Fusion {
  /// The node whose operation it is.
  let node: Graph.NodeID
  /// The node whose result it gives: `node`, or the addition.
  var result: Graph.NodeID
  /// What it reads, but for weights.
  let operands: [Graph.NodeID]
  /// What is added before the activation.
  var addend: Graph.NodeID?
  /// Of the addition.
  var activation: Activation?
}

extension Graph {
  /// The steps for nodes of these shapes, in an order in which they can run.
  func fusions(shapes: [Shape]) -> [Fusion] {
    var users = Array(repeating: [NodeID](), count: nodes.count)
    for (id, node) in nodes.enumerated() {
      for input in node.inputs { users[input].append(id) }
    }
    let answered = Set(outputs.map(\.node))
    // By the position in the order: a step that takes in an addition runs where that stood.
    var steps: [NodeID: Fusion] = [:]
    for (id, node) in nodes.enumerated() {
      switch node.operation {
      case .input, .constant, .reshape, .flatten:
        continue
      case .convolution, .transposedConvolution, .linear, .batchNorm, .instanceNorm:
        steps[id] = Fusion(node: id, result: id, operands: [node.inputs[0]])
      case .add(let activation):
        // The later operand first: what it reads need not be kept any longer.
        let producer = node.inputs.sorted(by: >).first { input in
          nodes[input].operation.canAdd && users[input] == [id] && !answered.contains(input) && steps[input] != nil
            && node.inputs.allSatisfy { shapes[$0] == shapes[id] }
        }
        if let producer, var step = steps[producer] {
          step.result = id
          step.addend = node.inputs[0] == producer ? node.inputs[1] : node.inputs[0]
          step.activation = activation
          steps[producer] = nil
          steps[id] = step
        } else {
          steps[id] = Fusion(node: id, result: id, operands: node.inputs)
        }
      default:
        steps[id] = Fusion(node: id, result: id, operands: node.inputs)
      }
    }
    return steps.keys.sorted().compactMap { steps[$0] }
  }
}

extension Operation {
  /// True where the kernel can add another tensor to its result.
  fileprivate var canAdd: Bool {
    switch self {
    case .convolution(let options): options.activation == nil
    case .transposedConvolution(let options): options.activation == nil
    case .linear(let activation), .instanceNorm(_, let activation): activation == nil
    case .batchNorm: true
    default: false
    }
  }

  /// True where each element of an operand of the result's shape is read by the thread that writes the result's, before.
  var isElementwise: Bool {
    switch self {
    case .activation, .batchNorm, .instanceNorm, .softmax, .add, .multiply: true
    default: false
    }
  }
}
