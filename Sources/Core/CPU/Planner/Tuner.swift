import ZooBackend
import ZooDevices
import ZooGraph
import ZooTensor

/// Finds the algorithms of convolutions by measurement: each is run by itself, in every way that there is.
struct Tuner {
  let tuning: Tuning
  let packer: WeightPacker
  let planner: (Network) -> Planner
  let pool: ThreadPool
  let threads: Int

  /// Of a layer's calls the fastest counts: whatever else the machine does only makes them slower.
  private static let calls = 7
  /// How much faster another way has to be than the one that the cost model takes; it may need more memory.
  private static let requiredGain = 1.03

  /// The algorithms that were measured to be better than those that the cost model takes.
  func algorithms(for graph: Graph) throws -> [Graph.NodeID: ConvolutionAlgorithm] {
    guard tuning.measures || !tuning.choices.isEmpty else { return [:] }
    var algorithms: [Graph.NodeID: ConvolutionAlgorithm] = [:]
    for (id, node) in graph.nodes.enumerated() {
      guard node.inputs.count > 1, case .constant(let filter) = graph.nodes[node.inputs[1]].operation else { continue }
      let input = graph.nodes[node.inputs[0]].shape
      let isOfBytes = packer.quantization?.computes(id) == true
      let (candidates, options) =
        isOfBytes
        ? candidatesOfBytes(for: node.operation, filter: filter.shape, output: node.shape)
        : candidates(for: node.operation, filter: filter.shape, input: input, output: node.shape)
      guard candidates.count > 1 else { continue }
      let layer = describe(options, filter: filter.shape, input: input, output: node.shape)
      if tuning[layer] == nil, tuning.measures {
        let best = try fastest(of: candidates, for: id, in: graph)
        tuning.record(best.name, for: layer)
      }
      algorithms[id] = candidates.first { $0.name == tuning[layer] }
    }
    return algorithms
  }

  /// The ways of computing a convolution or a transposed one, first the one that the cost model takes, and what of its options
  /// the time depends on. None of other operations.
  private func candidates(
    for operation: ZooGraph.Operation, filter: Shape, input: Shape, output: Shape
  ) -> (algorithms: [ConvolutionAlgorithm], options: String) {
    switch operation {
    case .convolution(let convolution):
      let usual = ConvolutionAlgorithm(for: convolution, filter: filter, output: output, packer.kernels)
      let others = usual.alternatives(for: convolution, filter: filter, packer.kernels)
      return (
        [usual] + others.filter { $0 != usual },
        describe(convolution.stride, convolution.dilation, convolution.groups)
      )
    case .transposedConvolution(let convolution):
      let usual = ConvolutionAlgorithm(for: convolution, filter: filter, input: input, packer.kernels)
      let others = ConvolutionAlgorithm.alternatives(for: convolution, filter: filter, packer.kernels)
      return (
        [usual] + others.filter { $0 != usual },
        "transposed, " + describe(convolution.stride, convolution.dilation, convolution.groups)
      )
    default:
      return ([], "")
    }
  }

  /// The same of a layer that is computed in 8 bits.
  private func candidatesOfBytes(
    for operation: ZooGraph.Operation, filter: Shape, output: Shape
  ) -> (algorithms: [ConvolutionAlgorithm], options: String) {
    guard case .convolution(let convolution) = operation else { return ([], "") }
    let usual = ConvolutionAlgorithm(
      forBytes: convolution, filter: filter, output: output, packer.instructions.quantizedKernels)
    let others = ConvolutionAlgorithm.alternativesForBytes(convolution, filter: filter)
    return (
      [usual] + others.filter { $0 != usual },
      "bytes, " + describe(convolution.stride, convolution.dilation, convolution.groups)
    )
  }

  private func describe(_ stride: Extent, _ dilation: Extent, _ groups: Int) -> String {
    "stride \(stride.height)×\(stride.width), dilation \(dilation.height)×\(dilation.width), groups \(groups)"
  }

  /// What the time of a layer depends on.
  private func describe(_ options: String, filter: Shape, input: Shape, output: Shape) -> String {
    let parts = [
      CPUDevice.current.name, "\(packer.kernels)", "\(packer.instructions)",
      "\(threads) thread\(threads == 1 ? "" : "s")", "filter \(filter)",
      options, "input \(input)", "output \(output)",
    ]
    return parts.joined(separator: ", ")
  }

  private func fastest(
    of candidates: [ConvolutionAlgorithm], for id: Graph.NodeID, in graph: Graph
  ) throws -> ConvolutionAlgorithm {
    let (layer, node, input) = Self.alone(id, of: graph)
    // What is computed in bytes is known by its place in the whole graph, and this is another.
    let isOfBytes = packer.quantization?.computes(id) == true
    let packer = WeightPacker(
      quantization: isOfBytes ? try Quantization(of: layer, Self.calibration(of: layer)) : nil,
      kernels: packer.kernels, instructions: packer.instructions)
    let tensor = try Tensor([Float](repeating: 0.5, count: input.elementCount), shape: input)
    let times = try candidates.map { algorithm in
      let network = try Network(layer, packer, [node: algorithm], pool: pool, threads: threads)
      let executable = CPUExecutable(planner: planner(network), pool: pool)
      _ = try executable.run([tensor])
      return try (0..<Self.calls).reduce(Duration.seconds(1_000_000)) { best, _ in
        min(best, try ContinuousClock().measure { _ = try executable.run([tensor]) })
      }
    }
    let best = times.indices.min { times[$0] < times[$1] } ?? 0
    return times[0] / times[best] >= Self.requiredGain ? candidates[best] : candidates[0]
  }

  /// Ranges of any numbers: what a layer takes does not depend on them.
  private static func calibration(of layer: Graph) -> Calibration {
    Calibration(
      ranges: Dictionary(layer.nodes.map { ($0.name, Calibration.Range(lower: -1, upper: 1)) }) { first, _ in first })
  }

  /// A graph of one layer and its weights, the layer's place in it, and the shape that it is fed.
  private static func alone(_ id: Graph.NodeID, of graph: Graph) -> (Graph, Graph.NodeID, Shape) {
    let node = graph.nodes[id]
    let input = graph.nodes[node.inputs[0]].shape
    var nodes = [Graph.Node(name: "input", operation: .input, inputs: [], shape: input)]
    nodes += node.inputs.dropFirst().map { graph.nodes[$0] }
    nodes.append(
      Graph.Node(name: node.name, operation: node.operation, inputs: Array(0..<node.inputs.count), shape: node.shape))
    let last = nodes.count - 1
    return (Graph(nodes: nodes, inputs: [0], outputs: [Graph.Output(name: "output", node: last)]), last, input)
  }
}

extension ConvolutionAlgorithm {
  /// In a record of what was measured.
  fileprivate var name: String {
    switch self {
    case .pointwise: "pointwise"
    case .im2col: "im2col"
    case .direct: "direct"
    case .winograd(let form): WinogradForm.sizes.contains(form) ? "winograd F(\(form))" : "winograd \(form)"
    case .narrow: "narrow"
    case .depthwise: "depthwise"
    }
  }
}
