import ZooBackend
import ZooGraph
import ZooTensor

/// Packs what a node needs besides its operands.
struct WeightPacker: Sendable {
  let quantization: Quantization?
  let kernels: ProductKernels
  let instructions: InstructionSet

  /// - Parameter algorithm: of a convolution; nil for the one that the cost model takes.
  func weights(
    of id: Graph.NodeID, in graph: Graph, algorithm: ConvolutionAlgorithm?
  ) throws -> Network.Weights {
    let node = graph.nodes[id]
    let reader = WeightReader(graph: graph, node: node)
    switch node.operation {
    case .convolution where quantization?.computes(id) == true, .linear where quantization?.computes(id) == true:
      let filter = try reader.constant(1)
      var usual: ConvolutionAlgorithm?
      if case .convolution(let options) = node.operation {
        usual = ConvolutionAlgorithm(
          forBytes: options, filter: filter.shape, output: node.shape, instructions.quantizedKernels)
      }
      return .quantized(
        try QuantizedWeights(
          filter: filter, bias: reader.optionalConstant(2), input: quantization?.scale(of: node.inputs[0]),
          algorithm: algorithm ?? usual, instructions))
    case .convolution(let options):
      let filter = try reader.constant(1)
      return .convolution(
        try ConvolutionWeights(
          options, filter: filter, bias: reader.optionalConstant(2),
          algorithm: algorithm
            ?? ConvolutionAlgorithm(for: options, filter: filter.shape, output: node.shape, kernels), kernels,
          instructions))
    case .transposedConvolution(let options):
      let filter = try reader.constant(1)
      return .convolution(
        try ConvolutionWeights(
          options, filter: filter, bias: reader.optionalConstant(2),
          algorithm: algorithm
            ?? ConvolutionAlgorithm(
              for: options, filter: filter.shape, input: graph.nodes[node.inputs[0]].shape, kernels), kernels,
          instructions))
    case .linear:
      return .linear(
        try LinearWeights(weight: reader.constant(1), bias: reader.optionalConstant(2), kernels, instructions))
    case .batchNorm(let epsilon):
      return .batchNorm(
        try NormalizationWeights(
          scale: reader.constant(1), shift: reader.constant(2), mean: reader.constant(3),
          variance: reader.constant(4), epsilon: epsilon))
    case .instanceNorm:
      return .instanceNorm(
        try NormalizationWeights(scale: reader.optionalConstant(1), shift: reader.optionalConstant(2)))
    default:
      return .none
    }
  }
}

extension Operation {
  /// True where operands but the first are weights, which are packed.
  var packsWeights: Bool {
    switch self {
    case .convolution, .transposedConvolution, .linear, .batchNorm, .instanceNorm: true
    default: false
    }
  }
}
