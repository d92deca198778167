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
  /// Calls that are to be expected at once.
  let concurrentCalls: Int
  /// Bytes that one call may need at most.
  let memoryLimit: Int

  /// - Parameter shapes: of every node, as `Graph.shapes(for:)` infers them.
  /// - Throws: ``BackendError`` where a call would need more memory than it may.
  func plan(shapes: [Shape]) throws(BackendError) -> Plan {
    let fusions = network.fusions(shapes: shapes)
    let layout = Layout(fusions, graph: network.graph, shapes: shapes)
    let memory = layout.memoryPlan()
    let steps = try fusions.map { fusion throws(BackendError) in
      Plan.Step(
        name: network.graph.nodes[fusion.node].name, kernel: try kernel(for: fusion, shapes),
        operands: fusion.operands.map { layout.place(of: fusion.operand($0), in: memory) },
        addend: fusion.addend.map { layout.place(of: fusion.operand($0), in: memory) },
        statistics: fusion.normalization.map { layout.place(of: .statistics($0), in: memory) },
        result: layout.offset(of: Layout.Value(fusion.result, fusion.resultForm), in: memory),
        resultStatistics: fusion.statistics.map { layout.offset(of: .statistics($0), in: memory) },
        cost: cost(of: fusion, shapes))
    }
    let scratch = steps.reduce(0) { max($0, $1.kernel.scratch.floatCount(threads: threads)) }
    // Results and scratch have below 2³¹ elements each and there is a step for each, so the sums fit.
    let bytes = (memory.size + scratch) * MemoryLayout<Float>.stride
    let calls = max(1, concurrentCalls)
    guard bytes <= memoryLimit / calls else {
      throw BackendError(
        .outOfMemory,
        "the network needs \(bytes >> 20) MiB\(calls > 1 ? " for each of \(calls) instances" : "") for inputs of "
          + "\(inputShapes(shapes)), and \(memoryLimit >> 20) MiB are allowed: feed a smaller picture or batch"
          + (calls > 1 ? ", or have fewer instances" : ""))
    }
    return Plan(
      steps: steps,
      outputs: network.graph.outputs.map { (layout.place(of: .result($0.node), in: memory), shapes[$0.node]) },
      arenaSize: memory.size, scratchSize: scratch, keptArenas: max(2, concurrentCalls))
  }

  private func cost(of fusion: Fusion, _ shapes: [Shape]) -> Plan.Cost {
    let node = network.graph.nodes[fusion.node]
    let read = fusion.isConversion ? fusion.operands : node.inputs + [fusion.addend].compactMap(\.self)
    let count = { (ids: [Graph.NodeID]) in ids.reduce(0) { $0 + shapes[$1].elementCount } }
    return Plan.Cost(
      operations: fusion.isConversion
        ? count(read)
        : node.operation.operationCount(inputs: node.inputs.map { shapes[$0] }, result: shapes[fusion.node]),
      bytes: count(read) * fusion.operandForm.byteCount + shapes[fusion.result].elementCount
        * fusion.resultForm.byteCount)
  }

  private func inputShapes(_ shapes: [Shape]) -> String {
    network.graph.inputs.map { shapes[$0].description }.joined(separator: ", ")
  }

  private func kernel(for fusion: Fusion, _ shapes: [Shape]) throws(BackendError) -> any Kernel {
    let node = network.graph.nodes[fusion.node]
    let inputs = fusion.operands.map { shapes[$0] }
    let result = shapes[fusion.result]
    if let quantization = network.quantization, fusion.operandForm == .bytes || fusion.isConversion {
      return try quantizedKernel(for: fusion, quantization, inputs: inputs, result: result)
    }
    switch (node.operation, network.weights[fusion.node]) {
    case (.convolution(var options), .convolution(let weights)):
      options.activation = options.activation ?? fusion.activation
      return try convolution(options, weights, fusion, input: inputs[0], output: result)
    case (.transposedConvolution(let options), .convolution(let weights)):
      if let winograd = weights.winograd {
        return WinogradKernel(
          try WinogradTiling(transposing: winograd.form, input: inputs[0], output: result), winograd,
          bias: weights.bias,
          activation: options.activation, statistics: statistics(fusion), inputActivation: inputActivation(fusion),
          threads: threads)
      }
      let width = result[2] / options.stride.width
      if weights.algorithm == .direct, width >= ConvolutionAlgorithm.pixelsOfDirectRow {
        let direct = try DirectConvolutionKernel(
          options, weights, statistics: statistics(fusion), input: inputs[0], output: result)
        if direct.isWorthwhile { return direct }
      }
      return try ConvolutionKernel(
        options, weights, statistics: statistics(fusion), input: inputs[0], output: result)
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
        Statistics(weights, epsilon: epsilon, instructions: instructions), isGiven: fusion.normalization != nil,
        activation: zoo_activation(activation ?? fusion.activation), shape: result)
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
    throw unpacked(node)
  }

  func unpacked(_ node: Graph.Node) -> BackendError {
    BackendError(.internalFailure, "\(node.name): its weights were not packed for it")
  }

  private func convolution(
    _ options: Convolution, _ weights: ConvolutionWeights, _ fusion: Fusion, input: Shape, output: Shape
  ) throws(BackendError) -> any Kernel {
    if let filter = weights.depthwise, let zeros = weights.zeros {
      return try DepthwiseKernel(
        options, weights, filter: filter, zeros: zeros, input: input, output: output, instructions: instructions)
    }
    if let winograd = weights.winograd {
      return WinogradKernel(
        try WinogradTiling(options, winograd.form, input: input, output: output), winograd, bias: weights.bias,
        activation: options.activation, statistics: statistics(fusion), inputActivation: inputActivation(fusion),
        threads: threads)
    }
    if let winograd = weights.fixedWinograd {
      return try FixedWinogradKernel(
        options, winograd, bias: weights.bias, statistics: statistics(fusion),
        inputActivation: inputActivation(fusion), input: input, output: output)
    }
    if let matrix = weights.narrow {
      return try NarrowConvolutionKernel(
        options, weights, matrix: matrix, input: input, output: output, threads: threads, instructions: instructions)
    }
    if weights.algorithm == .direct {
      let direct = try DirectConvolutionKernel(
        options, weights, statistics: statistics(fusion), input: input, output: output)
      if direct.isWorthwhile { return direct }
    }
    return try ConvolutionKernel(options, weights, statistics: statistics(fusion), input: input, output: output)
  }

  /// What the step computes of its result besides.
  private func statistics(_ fusion: Fusion) -> Statistics? {
    guard let id = fusion.statistics, case .instanceNorm(let epsilon, _) = network.graph.nodes[id].operation,
      case .instanceNorm(let weights) = network.weights[id]
    else { return nil }
    return Statistics(weights, epsilon: epsilon, instructions: instructions)
  }

  /// Of the normalisation through which the step reads.
  private func inputActivation(_ fusion: Fusion) -> zoo_activation {
    guard let id = fusion.normalization, case .instanceNorm(_, let activation) = network.graph.nodes[id].operation
    else {
      return zoo_activation(nil)
    }
    return zoo_activation(activation)
  }
}

extension Fusion.Form {
  /// Of an element.
  fileprivate var byteCount: Int { self == .bytes ? 1 : MemoryLayout<Float>.size }
}
