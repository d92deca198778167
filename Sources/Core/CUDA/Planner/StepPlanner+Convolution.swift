import CCUDA
import ZooBackend
import ZooGraph
import ZooTensor

extension StepPlanner {
  func convolution(_ options: Convolution, _ weights: ConvolutionWeights) -> (algorithm: String, Launches) {
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
    return launches([(arguments, weights)])
  }

  func transposedConvolution(
    _ options: TransposedConvolution, _ phases: [Phase]
  ) -> (algorithm: String, Launches) {
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
      return (arguments, phase.weights)
    }
    return launches(parts)
  }

  /// A 1×1 convolution over as many pixels as there are rows.
  func linear(_ weights: ConvolutionWeights, _ activation: Activation?) -> (algorithm: String, Launches) {
    let rows = inputs[0].elementCount / weights.channels
    var arguments = arguments(for: weights, input: [1, 1, rows, weights.channels], activation: activation)
    arguments.rows = 1
    arguments.columns = Int32(rows)
    arguments.result_height = 1
    arguments.result_width = Int32(rows)
    return launches([(arguments, weights)])
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

  private func launches(
    _ parts: [(arguments: zoo_convolution_arguments, weights: ConvolutionWeights)]
  ) -> (algorithm: String, Launches) {
    let kernels = parts.map { tiling(of: $0.arguments, $0.weights) }
    let launches: Launches = { [operands, addend, result] arena in
      zip(parts, kernels).map { part, tiling in
        var arguments = part.arguments
        arguments.input = arena.address(of: operands[0])
        arguments.weights = part.weights.filter.address
        arguments.bias = part.weights.bias?.address ?? 0
        arguments.addend = addend.map(arena.address) ?? 0
        arguments.result = arena.address(of: result)
        return Launch(tiling.kernel, blocks: tiling.blocks, arguments)
      }
    }
    return (kernels.first?.kernel.algorithm ?? "nothing", launches)
  }

  /// The kernel for a convolution: the one that was found to be fastest, or else of those that can do it the one with the
  /// largest tiles that still give every multiprocessor one. All of a kind add up in the same order, so the choice does not
  /// show in the result.
  private func tiling(
    of arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights
  ) -> (kernel: Kernel, blocks: Int) {
    let windows = Int(arguments.items) * Int(arguments.rows) * Int(arguments.columns)
    func blocks(_ kernel: Kernel) -> Int {
      guard let tile = kernel.tile else {
        let threads = kernel.threadCount
        return (windows * weights.groups * weights.outputs + threads - 1) / threads
      }
      return (windows + tile.rows - 1) / tile.rows * weights.groups
        * ((weights.outputs + tile.columns - 1) / tile.columns)
    }
    let candidates: [Kernel]
    if weights.isDepthwise {
      candidates = [.depthwise]
    } else if network.element == .float32, !(network.allowsTF32 && network.device.hasTensorCores) {
      candidates = [.convolution8x4, .convolution4x4, .convolution2x2]
    } else if weights.channels % network.element.packSize != 0 {
      candidates = [.tensorConvolution64Any]
    } else {
      candidates = [.tensorConvolution128, .tensorConvolution128x64, .tensorConvolution64x128, .tensorConvolution64]
    }
    let guess =
      candidates.first { kernel in
        guard let tile = kernel.tile else { return true }
        return tile.columns < 2 * weights.outputs && blocks(kernel) >= network.device.multiprocessorCount
      } ?? candidates[candidates.count - 1]
    let trial = tries ? ConvolutionTrial(arguments, weights, in: network, blocks: blocks) : nil
    let kernel = network.library.choices.best(
      of: [guess] + candidates.filter { $0 != guess }, for: arguments.work, seconds: trial?.seconds)
    return (kernel, blocks(kernel))
  }
}

extension zoo_convolution_arguments {
  /// What the time of a convolution depends on.
  fileprivate var work: String {
    [
      items, height, width, channels, groups, outputs, rows, columns, kernel_height, kernel_width, stride_y, stride_x,
      step_y, step_x, padding,
    ].map(String.init).joined(separator: " ")
  }
}

extension Kernel {
  /// Windows and outputs of a block.
  fileprivate var tile: (rows: Int, columns: Int)? {
    switch self {
    case .convolution8x4: (128, 64)
    case .convolution4x4: (64, 64)
    case .convolution2x2: (32, 32)
    case .tensorConvolution128: (128, 128)
    case .tensorConvolution128x64: (128, 64)
    case .tensorConvolution64x128: (64, 128)
    case .tensorConvolution64, .tensorConvolution64Any: (64, 64)
    default: nil
    }
  }

  /// As a profile shows it.
  fileprivate var algorithm: String {
    switch self {
    case .depthwise: "depthwise"
    case .convolution8x4: "implicit GEMM 128×64"
    case .convolution4x4: "implicit GEMM 64×64"
    case .convolution2x2: "implicit GEMM 32×32"
    case .tensorConvolution128: "tensor cores 128×128"
    case .tensorConvolution128x64: "tensor cores 128×64"
    case .tensorConvolution64x128: "tensor cores 64×128"
    case .tensorConvolution64: "tensor cores 64×64"
    case .tensorConvolution64Any: "tensor cores 64×64, any channels"
    default: rawValue
    }
  }
}
