import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A graph whose weights are packed: what all plans share.
struct Network: Sendable {
  /// What a node needs besides its operands, whatever the input shapes.
  enum Weights: Sendable {
    case none
    case convolution(ConvolutionWeights)
    case linear(LinearWeights)
    case batchNorm(NormalizationWeights)
    case instanceNorm(NormalizationWeights)
    case quantized(QuantizedWeights)
  }

  let graph: Graph
  /// Of the nodes that are computed in 8 bits, if any are.
  let quantization: Quantization?
  /// By node.
  let weights: [Weights]
  /// By node: constants that are operands like any other.
  let constants: [AlignedBuffer?]
  /// Bytes of packed weights.
  let memory: Int
  /// True where the items of a batch are computed each by itself.
  let separatesItems: Bool

  /// Packs the weights of `graph`.
  init(
    _ graph: Graph, _ quantization: Quantization? = nil, kernels: ProductKernels, instructions: InstructionSet
  ) throws {
    self.graph = graph
    self.quantization = quantization
    var packed: [Graph.NodeID: Weights] = [:]
    var needed = Set(graph.outputs.map(\.node))
    for (id, node) in graph.nodes.enumerated() {
      let reader = WeightReader(graph: graph, node: node)
      let weights: Weights
      switch node.operation {
      case .convolution where quantization?.computes(id) == true, .linear where quantization?.computes(id) == true:
        weights = .quantized(
          try QuantizedWeights(
            node.operation, filter: reader.constant(1), bias: reader.optionalConstant(2),
            input: quantization?.scale(of: node.inputs[0]), instructions))
      case .convolution(let options):
        weights = .convolution(
          try ConvolutionWeights(
            options, filter: reader.constant(1), bias: reader.optionalConstant(2), output: node.shape, kernels,
            instructions))
      case .transposedConvolution(let options):
        weights = .convolution(
          try ConvolutionWeights(
            options, filter: reader.constant(1), bias: reader.optionalConstant(2), kernels, instructions))
      case .linear:
        weights = .linear(
          try LinearWeights(
            weight: reader.constant(1), bias: reader.optionalConstant(2), kernels, instructions))
      case .batchNorm(let epsilon):
        weights = .batchNorm(
          try NormalizationWeights(
            scale: reader.constant(1), shift: reader.constant(2), mean: reader.constant(3),
            variance: reader.constant(4), epsilon: epsilon))
      case .instanceNorm:
        weights = .instanceNorm(
          try NormalizationWeights(
            scale: reader.optionalConstant(1), shift: reader.optionalConstant(2)))
      default:
        weights = .none
        needed.formUnion(node.inputs)
      }
      packed[id] = weights
    }
    weights = graph.nodes.indices.map { packed[$0] ?? .none }
    constants = try graph.nodes.enumerated().map { id, node in
      guard case .constant(let tensor) = node.operation, needed.contains(id) else { return nil }
      return try AlignedBuffer(tensor.checkedFloats(of: node.name))
    }
    memory = Self.byteCount(weights, constants)
    separatesItems = Self.separatesItems(graph, weightBytes: memory)
  }

  private static func byteCount(_ weights: [Weights], _ constants: [AlignedBuffer?]) -> Int {
    let packed = weights.reduce(0) { sum, weights in
      switch weights {
      case .none: sum
      case .convolution(let weights): sum + weights.byteCount
      case .linear(let weights): sum + weights.byteCount
      case .batchNorm(let weights), .instanceNorm(let weights): sum + weights.byteCount
      case .quantized(let weights): sum + weights.byteCount
      }
    }
    return constants.reduce(packed) { $0 + ($1?.byteCount ?? 0) }
  }
}

extension AlignedBuffer {
  /// A copy of `values`, followed by `padding` zeros.
  convenience init(_ values: [Float], padding: Int = 0) throws(BackendError) {
    try self.init(count: values.count + padding, for: "weights")
    for (index, value) in values.enumerated() { base[index] = value }
    (base + values.count).update(repeating: 0, count: padding)
  }
}
