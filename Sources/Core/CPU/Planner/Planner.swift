import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// Makes plans: chooses a kernel for every node and a place for every result.
struct Planner {
  let network: Network
  let library: MatrixLibrary
  let instructions: InstructionSet
  /// Threads that a call may use.
  let threads: Int
  /// Bytes that one call may need at most.
  let memoryLimit: Int

  /// - Parameter shapes: of every node, as `Graph.shapes(for:)` infers them.
  /// - Throws: ``BackendError`` where a call would need more memory than it may.
  func plan(shapes: [Shape]) throws(BackendError) -> Plan {
    var layout = Layout(network.graph, shapes: shapes)
    var kernels: [(id: Graph.NodeID, kernel: any Kernel)] = []
    for (id, node) in network.graph.nodes.enumerated() {
      switch node.operation {
      case .input, .constant: continue
      case .reshape, .flatten: layout.alias(id, to: node.inputs[0])
      default:
        kernels.append((id, try kernel(for: id, shapes)))
        layout.place(id, canReplace: node.operation.elementwiseOperands)
      }
    }
    let memory = layout.memoryPlan()
    let steps = kernels.map { id, kernel in
      let node = network.graph.nodes[id]
      return Plan.Step(
        name: node.name, kernel: kernel, operands: node.inputs.map { layout.place(of: $0, in: memory) },
        result: layout.offset(of: id, in: memory))
    }
    let scratch = steps.reduce(0) { max($0, $1.kernel.scratch.floatCount(threads: threads)) }
    // Results and scratch have below 2³¹ elements each and there is a step for each, so the sums fit.
    let bytes = (memory.size + scratch) * MemoryLayout<Float>.stride
    guard bytes <= memoryLimit else {
      throw BackendError(
        .outOfMemory,
        "the network needs \(bytes >> 20) MiB for inputs of \(inputShapes(shapes)), and \(memoryLimit >> 20) MiB are "
          + "allowed: feed a smaller picture or batch")
    }
    return Plan(
      steps: steps,
      outputs: network.graph.outputs.map { (layout.place(of: $0.node, in: memory), shapes[$0.node]) },
      arenaSize: memory.size, scratchSize: scratch)
  }

  private func inputShapes(_ shapes: [Shape]) -> String {
    network.graph.inputs.map { shapes[$0].description }.joined(separator: ", ")
  }

  private func kernel(for id: Graph.NodeID, _ shapes: [Shape]) throws(BackendError) -> any Kernel {
    let node = network.graph.nodes[id]
    let inputs = node.inputs.map { shapes[$0] }
    let result = shapes[id]
    switch (node.operation, network.weights[id]) {
    case (.convolution(let options), .convolution(let weights)):
      return try convolution(options, weights, input: inputs[0], output: result)
    case (.transposedConvolution(let options), .convolution(let weights)):
      return try ConvolutionKernel(options, weights, input: inputs[0], output: result)
    case (.linear(let activation), .linear(let weights)):
      // The first of several axes counts pictures.
      let axes = inputs[0].dimensions.dropLast()
      return LinearKernel(
        weights, activation: zoo_activation(activation), items: axes.first ?? 1, rows: axes.dropFirst().reduce(1, *))
    case (.batchNorm, .batchNorm(let weights)):
      guard let mean = weights.mean, let scale = weights.scale, let shift = weights.shift else { break }
      let channels = mean.count
      return BatchNormKernel(
        mean: mean, scale: scale, shift: shift, rows: result.elementCount / channels, channels: channels,
        instructions: instructions.kernels)
    case (.instanceNorm(let epsilon, let activation), .instanceNorm(let weights)):
      return InstanceNormKernel(
        weights, epsilon: epsilon, activation: zoo_activation(activation), shape: result, instructions: instructions)
    case (.matrixMultiply, _):
      let (a, b) = (inputs[0], inputs[1])
      let (rows, depth, columns) = (a[a.rank - 2], a[a.rank - 1], b[b.rank - 1])
      return MatrixMultiplyKernel(
        matrices: result.elementCount / (rows * columns), rows: rows, depth: depth, columns: columns,
        sharesRight: b.rank == 2, library: library, instructions: instructions)
    case (.activation(let activation), _):
      return ActivationKernel(
        activation: zoo_activation(activation), count: result.elementCount, instructions: instructions.kernels)
    case (.pad(let mode, let insets), _):
      return PadKernel(input: Picture(inputs[0]), output: Picture(result), mode: mode, insets: insets)
    case (.pool(let pool), _):
      return try PoolKernel(pool, input: inputs[0], output: result, instructions: instructions)
    case (.globalAveragePool, _):
      return GlobalAveragePoolKernel(input: Picture(inputs[0]), instructions: instructions.kernels)
    case (.resize(let resize), _):
      return ResizeKernel(
        resize: resize, input: Picture(inputs[0]), output: Picture(result), instructions: instructions.kernels)
    case (.add(let activation), _):
      return BinaryKernel(
        .add(zoo_activation(activation)), left: inputs[0], right: inputs[1], result: result,
        instructions: instructions)
    case (.multiply, _):
      return BinaryKernel(
        .multiply, left: inputs[0], right: inputs[1], result: result, instructions: instructions)
    case (.concatenate(let axis), _):
      return ConcatenateKernel(inputs, axis: axis)
    case (.softmax(let axis), _):
      return SoftmaxKernel(result, axis: axis < 0 ? axis + result.rank : axis, instructions: instructions)
    case (.input, _), (.constant, _), (.reshape, _), (.flatten, _), (.convolution, _), (.transposedConvolution, _),
      (.linear, _), (.batchNorm, _), (.instanceNorm, _):
      break
    }
    throw BackendError(.internalFailure, "\(node.name): its weights were not packed for it")
  }

  private func convolution(
    _ options: Convolution, _ weights: ConvolutionWeights, input: Shape, output: Shape
  ) throws(BackendError) -> any Kernel {
    if let filter = weights.depthwise, let zeros = weights.zeros {
      return try DepthwiseKernel(
        options, weights, filter: filter, zeros: zeros, input: input, output: output, instructions: instructions)
    }
    if let winograd = weights.winograd, let zeros = weights.zeros {
      return try WinogradKernel(
        options, winograd, zeros: zeros, bias: weights.bias, input: input, output: output, instructions: instructions)
    }
    if let matrix = weights.narrow {
      return try NarrowConvolutionKernel(
        options, weights, matrix: matrix, input: input, output: output, instructions: instructions)
    }
    return try ConvolutionKernel(options, weights, input: input, output: output)
  }
}

extension Operation {
  /// The operands whose memory the result may take: each of its elements is read before the result's is written.
  fileprivate var elementwiseOperands: [Int] {
    switch self {
    case .activation, .batchNorm, .instanceNorm, .softmax: [0]
    case .add, .multiply: [0, 1]
    default: []
    }
  }
}
