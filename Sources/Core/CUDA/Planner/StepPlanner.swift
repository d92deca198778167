import CCUDA
import ZooBackend
import ZooGraph
import ZooTensor

/// The kernels of one step, and what they get.
struct StepPlanner {
  typealias Launches = @Sendable (Plan.Arena) -> [Launch]

  let network: Network
  let fusion: Fusion
  /// Shapes and places of the operands.
  let inputs: [Shape]
  let operands: [Place]
  let addend: Place?
  let result: Place
  let shape: Shape
  /// Whether kernels are tried where several can do it and it is not known which is fastest.
  let tries: Bool
  /// Where memory that the step needs on the way lies.
  let place: (Layout.Value) -> Place

  func work() throws(BackendError) -> StepWork {
    let node = network.graph.nodes[fusion.node]
    switch (node.operation, network.weights[fusion.node]) {
    case (.convolution(let options), .convolution(let weights)): return convolution(options, weights)
    case (.transposedConvolution(let options), .transposedConvolution(let phases)):
      return transposedConvolution(options, phases)
    case (.linear(let activation), .convolution(let weights)):
      return linear(weights, activation ?? fusion.activation)
    default:
      let (algorithm, launches) = try kernels()
      return StepWork(algorithm, network.library, launches)
    }
  }

  /// Of whatever is no convolution.
  private func kernels() throws(BackendError) -> (algorithm: String, Launches) {
    let node = network.graph.nodes[fusion.node]
    switch (node.operation, network.weights[fusion.node]) {
    case (.batchNorm, .batchNorm(let statistics)):
      return ("batch norm", normalize(.fixed(statistics.address), itemCount: 1, channels: shape[shape.rank - 1], nil))
    case (.instanceNorm(let epsilon, let activation), .instanceNorm(let scale, let shift)):
      return ("instance norm", instanceNorm(epsilon, activation, scale: scale, shift: shift))
    case (.matrixMultiply, _): return ("matrix product", matrixProduct())
    case (.softmax(let axis), _): return ("softmax", softmax(axis < 0 ? axis + shape.rank : axis))
    case (.activation(let activation), _): return ("pointwise", pointwise(activation, multiplies: false))
    case (.add(let activation), _): return binary(activation, multiplies: false)
    case (.multiply, _): return binary(nil, multiplies: true)
    case (.concatenate(let axis), _): return ("copy", concatenate(axis))
    case (.pad(let mode, let insets), _): return ("pad", pad(mode, insets))
    case (.pool(let pool), _): return ("pool", self.pool(pool))
    case (.globalAveragePool, _): return ("average", globalAverage())
    case (.resize(let resize), _): return ("resize", self.resize(resize))
    case (.input, _), (.constant, _), (.reshape, _), (.flatten, _), (.convolution, _), (.transposedConvolution, _),
      (.linear, _), (.batchNorm, _), (.instanceNorm, _):
      throw BackendError(.internalFailure, "\(node.name): its weights were not brought to the GPU")
    }
  }

  // MARK: Matrices

  private func matrixProduct() -> Launches {
    let (a, b) = (inputs[0], inputs[1])
    let (rows, depth, columns) = (a[a.rank - 2], a[a.rank - 1], b[b.rank - 1])
    let matrices = shape.elementCount / (rows * columns)
    let blocks = matrices * ((rows + 31) / 32) * ((columns + 31) / 32)
    return { [operands, result] arena in
      let arguments = zoo_matrix_arguments(
        left: arena.address(of: operands[0]), right: arena.address(of: operands[1]), result: arena.address(of: result),
        matrices: Int32(matrices), rows: Int32(rows), depth: Int32(depth), columns: Int32(columns),
        right_stride: b.rank == 2 ? 0 : Int32(depth * columns))
      return [Launch(.matrixProduct, blocks: blocks, arguments)]
    }
  }

  private func softmax(_ axis: Int) -> Launches {
    let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
    let outer = shape.dimensions[..<axis].reduce(1, *)
    return { [operands, result, shape] arena in
      let arguments = zoo_softmax_arguments(
        input: arena.address(of: operands[0]), result: arena.address(of: result), outer: Int32(outer),
        extent: Int32(shape[axis]), inner: Int32(inner))
      return [Launch(.softmax, blocks: outer * inner, arguments)]
    }
  }

  // MARK: Normalisation

  private func instanceNorm(
    _ epsilon: Float, _ activation: Activation?, scale: DeviceMemory?, shift: DeviceMemory?
  ) -> Launches {
    let cut = InstanceNormChunks(shape)
    let (partial, statistics) = (place(.partial(fusion.node)), place(.statistics(fusion.node)))
    let channelBlocks = (cut.channels + 31) / 32
    let apply = normalize(statistics, itemCount: cut.items, channels: cut.channels, activation)
    return { [operands] arena in
      let moments = zoo_moments_arguments(
        input: arena.address(of: operands[0]), partial: arena.address(of: partial), items: Int32(cut.items),
        pixels: Int32(cut.pixels), channels: Int32(cut.channels), chunk: Int32(InstanceNormChunks.size),
        chunks: Int32(cut.chunks))
      let merge = zoo_merge_arguments(
        partial: arena.address(of: partial), scale: scale?.address ?? 0, shift: shift?.address ?? 0,
        statistics: arena.address(of: statistics), items: Int32(cut.items), pixels: Int32(cut.pixels),
        channels: Int32(cut.channels), chunk: Int32(InstanceNormChunks.size), chunks: Int32(cut.chunks),
        epsilon: epsilon)
      return [
        Launch(.moments, blocks: cut.items * cut.chunks * channelBlocks, moments),
        Launch(.mergeMoments, blocks: cut.items * channelBlocks, merge),
      ] + apply(arena)
    }
  }

  /// - Parameter itemCount: as many statistics as there are; 1 where all items share them.
  private func normalize(
    _ statistics: Place, itemCount: Int, channels: Int, _ activation: Activation?
  ) -> Launches {
    let packs = channels % network.element.packSize == 0
    let count = shape.elementCount
    let activation = zoo_gpu_activation(activation ?? fusion.activation)
    let pack = network.element.packSize
    return { [operands, addend, result] arena in
      let arguments = zoo_normalize_arguments(
        input: arena.address(of: operands[0]), statistics: arena.address(of: statistics),
        addend: addend.map(arena.address) ?? 0, result: arena.address(of: result), items: Int32(itemCount),
        item_size: Int32(count / itemCount), channels: Int32(channels),
        statistics_stride: Int32(itemCount == 1 ? 0 : 3 * channels), activation: activation)
      return [
        packs
          ? Launch(.normalizePacks, threads: count / pack, arguments) : Launch(.normalize, threads: count, arguments)
      ]
    }
  }

  // MARK: Elements

  private func binary(_ activation: Activation?, multiplies: Bool) -> (String, Launches) {
    guard inputs.contains(where: { $0 != shape }) else {
      return ("pointwise", pointwise(activation, multiplies: multiplies))
    }
    let strides = inputs.map { $0.strides(broadcastTo: shape) }
    var arguments = zoo_broadcast_arguments()
    arguments.count = Int32(shape.elementCount)
    arguments.rank = Int32(shape.rank)
    arguments.multiplies = multiplies ? 1 : 0
    arguments.activation = zoo_gpu_activation(activation)
    withUnsafeMutableBytes(of: &arguments.extents) { $0.fill(shape.dimensions.map { Int32($0) }) }
    withUnsafeMutableBytes(of: &arguments.left_strides) { $0.fill(strides[0]) }
    withUnsafeMutableBytes(of: &arguments.right_strides) { $0.fill(strides[1]) }
    let launches: Launches = { [operands, result, shape, arguments] arena in
      var arguments = arguments
      arguments.left = arena.address(of: operands[0])
      arguments.right = arena.address(of: operands[1])
      arguments.result = arena.address(of: result)
      return [Launch(.broadcast, threads: shape.elementCount, arguments)]
    }
    return ("broadcast", launches)
  }

  /// Of one operand, or of two of the result's shape.
  private func pointwise(_ activation: Activation?, multiplies: Bool) -> Launches {
    let count = shape.elementCount
    let pack = network.element.packSize
    return { [operands, result] arena in
      let arguments = zoo_pointwise_arguments(
        left: arena.address(of: operands[0]), right: operands.count > 1 ? arena.address(of: operands[1]) : 0,
        result: arena.address(of: result), count: Int32(count), multiplies: multiplies ? 1 : 0,
        activation: zoo_gpu_activation(activation))
      return [Launch(.pointwise, threads: (count + pack - 1) / pack, arguments)]
    }
  }

  private func concatenate(_ axis: Int) -> Launches {
    let runs = inputs.map { $0.dimensions[axis...].reduce(1, *) }
    return { [operands, inputs, result] arena in
      var offset = 0
      return zip(zip(operands, inputs), runs).map { part, run in
        defer { offset += run }
        let arguments = zoo_copy_arguments(
          input: arena.address(of: part.0), result: arena.address(of: result), count: Int32(part.1.elementCount),
          run: Int32(run), result_run: Int32(runs.reduce(0, +)), offset: Int32(offset))
        return Launch(.copyRuns, threads: part.1.elementCount, arguments)
      }
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func fill(_ numbers: [Int32]) {
    numbers.withUnsafeBytes { copyMemory(from: $0) }
  }
}

extension Shape {
  /// From one element to the next along each axis of `shape`; 0 along those where this one is repeated.
  fileprivate func strides(broadcastTo shape: Shape) -> [Int32] {
    var strides = Array(repeating: Int32(0), count: shape.rank)
    var stride = 1
    for distance in 1...max(rank, 1) where distance <= rank {
      let extent = self[rank - distance]
      if extent > 1 { strides[shape.rank - distance] = Int32(stride) }
      stride *= extent
    }
    return strides
  }
}
