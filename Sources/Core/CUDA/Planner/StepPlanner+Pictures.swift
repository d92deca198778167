import CCUDA
import ZooGraph
import ZooTensor

extension StepPlanner {
  func pad(_ mode: PaddingMode, _ insets: Insets) -> Launches {
    var arguments = pictureArguments
    arguments.top = Int32(insets.top)
    arguments.leading = Int32(insets.leading)
    arguments.mode = mode.number
    return picture(.pad, arguments)
  }

  func pool(_ pool: Pool) -> Launches {
    var arguments = pictureArguments
    arguments.window_height = Int32(pool.window.height)
    arguments.window_width = Int32(pool.window.width)
    arguments.stride_y = Int32(pool.stride.height)
    arguments.stride_x = Int32(pool.stride.width)
    arguments.top = Int32(pool.padding.top)
    arguments.leading = Int32(pool.padding.leading)
    switch pool.kind {
    case .maximum: arguments.mode = 0
    case .average(countsPadding: false): arguments.mode = 1
    case .average(countsPadding: true): arguments.mode = 2
    }
    return picture(.pool, arguments)
  }

  func globalAverage() -> Launches {
    let blocks = inputs[0][0] * ((inputs[0][3] + 31) / 32)
    return picture(.globalAverage, pictureArguments, blocks: blocks)
  }

  func resize(_ resize: Resize) -> Launches {
    var arguments = pictureArguments
    arguments.window_height = Int32(resize.scale.height)
    arguments.window_width = Int32(resize.scale.width)
    arguments.mode = resize.method == .bilinear ? 1 : 0
    return picture(.resize, arguments)
  }

  private var pictureArguments: zoo_picture_arguments {
    var arguments = zoo_picture_arguments()
    arguments.items = Int32(inputs[0][0])
    arguments.height = Int32(inputs[0][1])
    arguments.width = Int32(inputs[0][2])
    arguments.channels = Int32(inputs[0][3])
    arguments.result_height = Int32(shape[1])
    arguments.result_width = Int32(shape[2])
    return arguments
  }

  /// - Parameter blocks: nil for a thread for each element of the result.
  private func picture(_ kernel: Kernel, _ arguments: zoo_picture_arguments, blocks: Int? = nil) -> Launches {
    { [operands, result, shape] arena in
      var arguments = arguments
      arguments.input = arena.address(of: operands[0])
      arguments.result = arena.address(of: result)
      if let blocks { return [Launch(kernel, blocks: blocks, arguments)] }
      return [Launch(kernel, threads: shape.elementCount, arguments)]
    }
  }
}
