import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// Which nodes of a graph are computed in 8 bits, and how bytes stand for the numbers of every result.
///
/// An activation is an unsigned byte, real = scale · (byte − zero), with a scale that covers the calibrated range and
/// zero, so that padding is exact.
struct Quantization: Sendable {
  /// By node; nil where no range is known.
  private let scales: [zoo_q_scale?]
  private let isComputed: [Bool]

  /// Products of bytes that 32 bits hold the sum of.
  private static let maximumDepth = 65536

  /// - Parameter graph: optimised.
  /// - Throws: ``BackendError`` where the calibration is of another network.
  init(of graph: Graph, _ calibration: Calibration) throws(BackendError) {
    var scales: [zoo_q_scale?] = []
    var isComputed: [Bool] = []
    for node in graph.nodes {
      let operand = node.inputs.first.flatMap { scales[$0] }
      switch node.operation {
      case .constant:
        scales.append(nil)
      case .reshape, .flatten:
        scales.append(operand)
      case .pool(let pool) where pool.kind == .maximum:
        scales.append(operand)
      default:
        guard let range = calibration.ranges[node.name], range.lower.isFinite, range.upper.isFinite else {
          throw BackendError(
            .invalidInput, "the calibration has no range for \(node.name): calibrate this version of the model again")
        }
        scales.append(zoo_q_scale(covering: range))
      }
      isComputed.append(operand != nil && Self.canCompute(node, in: graph))
    }
    self.scales = scales
    self.isComputed = isComputed
  }

  /// True where the node's kernel reads bytes.
  func computes(_ id: Graph.NodeID) -> Bool { isComputed[id] }

  func scale(of id: Graph.NodeID) -> zoo_q_scale? { scales[id] }

  private static func canCompute(_ node: Graph.Node, in graph: Graph) -> Bool {
    /// The shape of the weights, if they are known now.
    var weights: [Int]? {
      guard case .constant(let tensor) = graph.nodes[node.inputs[1]].operation else { return nil }
      return tensor.shape.dimensions
    }
    switch node.operation {
    case .convolution(let options):
      guard options.activation.isClamp, let filter = weights else { return false }
      let isDepthwise = options.groups == filter[0] && filter[1] == 1
      return (options.groups == 1 || isDepthwise) && filter.dropFirst().reduce(1, *) <= maximumDepth
    case .linear(let activation):
      return activation.isClamp && weights.map { $0[1] <= maximumDepth } == true
    case .add(let activation):
      return activation.isClamp && node.inputs.allSatisfy { !graph.nodes[$0].operation.isConstant }
    case .pool(let pool):
      return pool.kind == .maximum
    case .globalAveragePool:
      return true
    default:
      return false
    }
  }
}

extension zoo_q_scale {
  /// A byte for every 255th of a range, zero among them.
  init(covering range: Calibration.Range) {
    let (lower, upper) = (min(range.lower, 0), max(range.upper, 0))
    // A result that is always zero has any scale.
    let scale = upper > lower ? max(upper / 255 - lower / 255, .leastNormalMagnitude) : 1
    self.init(scale: scale, zero: UInt8(max(0, min(255, (-lower / scale).rounded()))))
  }
}

extension Operation {
  var isConstant: Bool {
    if case .constant = self { true } else { false }
  }
}

extension Activation? {
  /// True where the activation bounds what it gets, and does no more.
  var isClamp: Bool {
    switch self {
    case nil, .relu, .relu6: true
    default: false
    }
  }

  /// The bounds of one that does no more.
  var bounds: (low: Float, high: Float) {
    switch self {
    case .relu: (0, .infinity)
    case .relu6: (0, 6)
    default: (-.infinity, .infinity)
    }
  }
}
