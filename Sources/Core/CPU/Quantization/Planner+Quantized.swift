import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

extension Planner {
  /// The kernel of a step that reads bytes, or brings a result into another form.
  func quantizedKernel(
    for fusion: Fusion, _ quantization: Quantization, inputs: [Shape], result: Shape
  ) throws(BackendError) -> any Kernel {
    let node = network.graph.nodes[fusion.node]
    let set = instructions.quantizedKernels
    func scale(of id: Graph.NodeID) throws(BackendError) -> zoo_q_scale {
      guard let scale = quantization.scale(of: id) else {
        throw BackendError(.internalFailure, "\(network.graph.nodes[id].name) has no scale")
      }
      return scale
    }
    if fusion.isConversion {
      return ConversionKernel(
        toBytes: fusion.resultForm == .bytes, try scale(of: fusion.node), count: result.elementCount, instructions: set)
    }
    func sums(_ activation: Activation?) throws(BackendError) -> QuantizedResult {
      QuantizedResult(
        scale: fusion.resultForm == .bytes ? try scale(of: fusion.result) : nil,
        addend: try fusion.addend.map { id throws(BackendError) in try scale(of: id) },
        bounds: (activation ?? fusion.activation).bounds)
    }
    switch (node.operation, network.weights[fusion.node]) {
    case (.convolution(let options), .quantized(let weights)):
      let becomes = try sums(options.activation)
      switch weights.layout {
      case .depthwise:
        return try QuantizedDepthwiseKernel(options, weights, becomes, input: inputs[0], output: result)
      case .winograd:
        return try QuantizedWinogradKernel(
          options, weights, becomes, input: inputs[0], output: result, threads: threads)
      case .product:
        return try QuantizedProductKernel(options, weights, becomes, input: inputs[0], output: result)
      }
    case (.linear(let activation), .quantized(let weights)):
      return QuantizedProductKernel(
        weights, try sums(activation), rows: inputs[0].elementCount / max(weights.depth, 1))
    case (.add(let activation), _):
      return QuantizedAddKernel(
        left: try scale(of: fusion.operands[0]), right: try scale(of: fusion.operands[1]),
        result: try scale(of: fusion.result), bounds: activation.bounds, count: result.elementCount, instructions: set)
    case (.pool(let pool), _):
      return try QuantizedPoolKernel(pool, input: inputs[0], output: result, instructions: set)
    case (.globalAveragePool, _):
      return QuantizedMeanKernel(inputs[0], try scale(of: fusion.operands[0]), instructions: set)
    default:
      throw unpacked(node)
    }
  }
}
