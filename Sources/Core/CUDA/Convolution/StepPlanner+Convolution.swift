import CCUDA
import ZooBackend
import ZooGraph
import ZooTensor

extension StepPlanner {
  func convolution(_ options: Convolution, _ weights: ConvolutionWeights) -> StepWork {
    let insets = options.insets(for: Extent(height: inputs[0][1], width: inputs[0][2]), kernel: weights.taps)
    var arguments = arguments(for: weights, input: inputs[0], activation: options.activation ?? fusion.activation)
    arguments.rows = Int32(shape[1])
    arguments.columns = Int32(shape[2])
    arguments.stride_y = Int32(options.stride.height)
    arguments.stride_x = Int32(options.stride.width)
    arguments.step_y = Int32(options.dilation.height)
    arguments.step_x = Int32(options.dilation.width)
    arguments.first_y = -Int32(insets.top)
    arguments.first_x = -Int32(insets.leading)
    arguments.padding = options.paddingMode.number
    return work([(arguments, weights, insets)])
  }

  func transposedConvolution(
    _ options: TransposedConvolution, _ phases: [Phase]
  ) -> StepWork {
    let (height, width) = (shape[1], shape[2])
    let (strideY, strideX) = (options.stride.height, options.stride.width)
    let parts = phases.filter { $0.firstRow < height && $0.firstColumn < width }.map { phase in
      var arguments = arguments(
        for: phase.weights, input: inputs[0], activation: options.activation ?? fusion.activation)
      arguments.rows = Int32((height - phase.firstRow + strideY - 1) / strideY)
      arguments.columns = Int32((width - phase.firstColumn + strideX - 1) / strideX)
      arguments.step_y = Int32(phase.step.y)
      arguments.step_x = Int32(phase.step.x)
      arguments.first_y = Int32(phase.first.y)
      arguments.first_x = Int32(phase.first.x)
      arguments.result_step_y = Int32(strideY)
      arguments.result_step_x = Int32(strideX)
      arguments.result_first_y = Int32(phase.firstRow)
      arguments.result_first_x = Int32(phase.firstColumn)
      return (arguments, phase.weights, Insets?.none)
    }
    return work(parts)
  }

  /// A 1×1 convolution over as many pixels as there are rows.
  func linear(_ weights: ConvolutionWeights, _ activation: Activation?) -> StepWork {
    let rows = inputs[0].elementCount / weights.channels
    var arguments = arguments(for: weights, input: [1, 1, rows, weights.channels], activation: activation)
    arguments.rows = 1
    arguments.columns = Int32(rows)
    arguments.result_height = 1
    arguments.result_width = Int32(rows)
    return work([(arguments, weights, Insets(0))])
  }

  private func arguments(
    for weights: ConvolutionWeights, input: Shape, activation: Activation?
  ) -> zoo_convolution_arguments {
    var arguments = zoo_convolution_arguments()
    arguments.items = Int32(input[0])
    arguments.height = Int32(input[1])
    arguments.width = Int32(input[2])
    arguments.channels = Int32(weights.channels)
    arguments.groups = Int32(weights.groups)
    arguments.outputs = Int32(weights.outputs)
    arguments.kernel_height = Int32(weights.taps.height)
    arguments.kernel_width = Int32(weights.taps.width)
    (arguments.stride_y, arguments.stride_x) = (1, 1)
    (arguments.result_step_y, arguments.result_step_x) = (1, 1)
    if shape.rank == 4 {
      arguments.result_height = Int32(shape[1])
      arguments.result_width = Int32(shape[2])
    }
    arguments.depth = Int32(weights.depth)
    arguments.filter_stride = Int32(weights.filterStride)
    arguments.activation = zoo_gpu_activation(activation)
    return arguments
  }

  /// - Parameter parts: each with what is around its input, where it is a whole convolution.
  private func work(
    _ parts: [(arguments: zoo_convolution_arguments, weights: ConvolutionWeights, insets: Insets?)]
  ) -> StepWork {
    let methods = parts.map { method($0.arguments, $0.weights, $0.insets) }
    return StepWork(
      algorithm: methods.first?.algorithm ?? "nothing", scratchSize: methods.map(\.scratchSize).max() ?? 0
    ) { [operands, addend, result] arena, stream throws(BackendError) in
      let places = ConvolutionPlaces(
        input: arena.address(of: operands[0]), addend: addend.map(arena.address) ?? 0,
        result: arena.address(of: result), scratch: arena.scratch)
      for method in methods { try method.start(places, stream) }
    }
  }

  /// The way to do a convolution: the one that was found to be fastest, or else of the kernels that can do it the one with the
  /// largest tiles that still give every multiprocessor one. All kernels add up in the same order, so the choice among them
  /// does not show in the result.
  private func method(
    _ arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights, _ insets: Insets?
  ) -> ConvolutionMethod {
    let candidates =
      weights.isDepthwise
      ? [.depthwise]
      : Kernel.tiles(
        network.element, allowsTF32: network.allowsTF32, isPacked: weights.channels % network.element.packSize == 0,
        on: network.device)
    if let tile = network.tile, candidates.contains(tile) {
      return ConvolutionMethod(tile, arguments, weights, network.library)
    }
    let guess =
      candidates.first { kernel in
        guard let tile = kernel.tile else { return true }
        return tile.columns < 2 * weights.outputs
          && arguments.blocks(of: kernel, weights) >= network.device.multiprocessorCount
      } ?? candidates[candidates.count - 1]
    let kernels = [guess] + candidates.filter { $0 != guess }
    var methods = kernels.map { ConvolutionMethod($0, arguments, weights, network.library) }
    let work = arguments.work + (addend == nil ? "" : " +")
    let choices = network.library.choices
    let known = choices.known(for: work)
    let trial = ConvolutionTrial(arguments, weights, hasAddend: addend != nil, in: network)
    // What a library cannot do now, for lack of memory, it may be able to do the next time.
    var isComplete = true
    do throws(BackendError) {
      for method in try vendorMethods(arguments, weights, insets, known: known) {
        switch trial.verdict(on: method, against: methods[0]) {
        case .agrees: methods.append(method)
        case .differs: break
        case .failed: isComplete = false
        }
      }
    } catch {
      isComplete = !error.isPassing
    }
    let best = choices.best(
      of: methods.map(\.name), for: work, isKept: isComplete, seconds: tries ? { trial.seconds(methods[$0]) } : nil)
    methods[best].keep()
    return methods[best]
  }

  /// How NVIDIA's libraries can do it: all ways that are to be tried, or the one that was found to be the fastest before.
  private func vendorMethods(
    _ arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights, _ insets: Insets?, known: String?
  ) throws(BackendError) -> [ConvolutionMethod] {
    guard let libraries = network.vendorLibraries, let insets, !weights.isDepthwise,
      let convolution = VendorConvolution(
        arguments, weights, insets, hasAddend: addend != nil, element: network.element,
        allowsTF32: network.allowsTF32)
    else { return [] }
    // Their calls go to the card that is current.
    try network.device.activate()
    let algorithms: [any VendorAlgorithm]
    if let known {
      algorithms = [try libraries.algorithm(named: known, for: convolution)].compactMap(\.self)
    } else {
      algorithms = tries ? try libraries.algorithms(for: convolution) : []
    }
    return algorithms.map { algorithm in
      ConvolutionMethod(
        algorithm, convolution, arguments, weights, insets, network.library,
        keep: { libraries.keep(algorithm, for: convolution) })
    }
  }
}
