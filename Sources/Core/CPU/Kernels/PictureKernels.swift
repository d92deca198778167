import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// `[N, H, W, C]` with more rows and columns.
struct PadKernel: Kernel {
  var algorithm: String { "copy" }
  let input, output: Picture
  let mode: PaddingMode
  let insets: Insets

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let channels = input.channels
    call.parallelFor(output.count * output.height) { _, index in
      let (image, row) = index.quotientAndRemainder(dividingBy: output.height)
      let target = call.output + index * output.width * channels
      guard let sourceRow = mode.source(of: row - insets.top, in: input.height) else {
        target.update(repeating: 0, count: output.width * channels)
        return
      }
      let line = x + (image * input.height + sourceRow) * input.width * channels
      (target + insets.leading * channels).update(from: line, count: input.width * channels)
      for column in 0..<output.width where column < insets.leading || column >= insets.leading + input.width {
        let pixel = target + column * channels
        if let source = mode.source(of: column - insets.leading, in: input.width) {
          pixel.update(from: line + source * channels, count: channels)
        } else {
          pixel.update(repeating: 0, count: channels)
        }
      }
    }
  }
}

/// A maximum or an average over windows.
struct PoolKernel: Kernel {
  var algorithm: String { "pool" }
  let pool: Pool
  let input, output: Picture
  let windows: WindowTable
  let instructions: zoo_instruction_set

  init(_ pool: Pool, input: Shape, output: Shape, instructions: InstructionSet) throws(BackendError) {
    self.pool = pool
    self.input = Picture(input)
    self.output = Picture(output)
    self.instructions = instructions.kernels
    windows = try Self.windows(pool, input: input, output: output)
  }

  static func windows(_ pool: Pool, input: Shape, output: Shape) throws(BackendError) -> WindowTable {
    try WindowTable(
      rows: .sliding(
        outputs: output[1], taps: pool.window.height, stride: pool.stride.height, dilation: 1,
        padding: pool.padding.top, mode: .zero, inputs: input[1]),
      columns: .sliding(
        outputs: output[2], taps: pool.window.width, stride: pool.stride.width, dilation: 1,
        padding: pool.padding.leading, mode: .zero, inputs: input[2]),
      inputWidth: input[2])
  }

  /// Pointers to the pixels of a window.
  var scratch: Scratch {
    let pointers = pool.window.height * pool.window.width
    return Scratch(perThread: pointers * MemoryLayout<UnsafePointer<Float>>.size / MemoryLayout<Float>.size)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let channels = input.channels
    let window = pool.window.height * pool.window.width
    call.parallelFor(output.count * output.height) { worker, index in
      let (image, row) = index.quotientAndRemainder(dividingBy: output.height)
      let picture = x + image * input.size
      call.threadScratch(worker).withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: window) { taps in
        for column in 0..<output.width {
          var count = 0
          for r in 0..<pool.window.height {
            guard let inputRow = windows.row(row, r) else { continue }
            for s in 0..<pool.window.width {
              guard let inputColumn = windows.column(column, s) else { continue }
              taps[count] = picture + (inputRow * input.width + inputColumn) * channels
              count += 1
            }
          }
          let target = call.output + (index * output.width + column) * channels
          switch pool.kind {
          case .maximum:
            zoo_pool_maximum(instructions, taps, count, channels, target)
          case .average(let countsPadding):
            zoo_pool_average(instructions, taps, count, Float(countsPadding ? window : count), channels, target)
          }
        }
      }
    }
  }
}

/// `[N, H, W, C]` → `[N, 1, 1, C]`.
struct GlobalAveragePoolKernel: Kernel {
  var algorithm: String { "mean" }
  let input: Picture
  let instructions: zoo_instruction_set
  /// Channels of a piece of work.
  private static let channelsPerBlock = 256

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let blocks = (input.channels + Self.channelsPerBlock - 1) / Self.channelsPerBlock
    call.parallelFor(input.count * blocks) { _, index in
      let (image, block) = index.quotientAndRemainder(dividingBy: blocks)
      let first = block * Self.channelsPerBlock
      zoo_column_means(
        instructions, x + image * input.size + first, input.pixels,
        min(Self.channelsPerBlock, input.channels - first), input.channels,
        call.output + image * input.channels + first)
    }
  }
}

/// Enlarges pictures.
struct ResizeKernel: Kernel {
  var algorithm: String { "resize" }
  let resize: Resize
  let input, output: Picture
  let instructions: zoo_instruction_set

  func run(_ call: KernelCall) {
    switch resize.method {
    case .nearest: enlargeByRepeating(call)
    case .bilinear: interpolate(call)
    }
  }

  private func enlargeByRepeating(_ call: KernelCall) {
    let x = call.input(0)
    let channels = input.channels
    let lineSize = output.width * channels
    call.parallelFor(input.count * input.height) { _, row in
      let line = x + row * input.width * channels
      let target = call.output + row * resize.scale.height * lineSize
      for column in 0..<output.width {
        (target + column * channels).update(from: line + column / resize.scale.width * channels, count: channels)
      }
      for copy in 1..<max(resize.scale.height, 1) {
        (target + copy * lineSize).update(from: target, count: lineSize)
      }
    }
  }

  private func interpolate(_ call: KernelCall) {
    let x = call.input(0)
    let channels = input.channels
    call.parallelFor(output.count * output.height) { _, index in
      let (image, outputRow) = index.quotientAndRemainder(dividingBy: output.height)
      let row = Neighbours(of: outputRow, scale: resize.scale.height, count: input.height)
      let picture = x + image * input.size
      let upper = picture + row.first * input.width * channels
      let lower = picture + row.second * input.width * channels
      for outputColumn in 0..<output.width {
        let column = Neighbours(of: outputColumn, scale: resize.scale.width, count: input.width)
        zoo_mix_pixels(
          instructions, upper + column.first * channels, upper + column.second * channels,
          lower + column.first * channels, lower + column.second * channels, column.share, row.share,
          call.output + (index * output.width + outputColumn) * channels, channels)
      }
    }
  }

  /// The two pixels of a line around the centre of an enlarged one, and the share of the second.
  private struct Neighbours {
    let first, second: Int
    let share: Float

    init(of index: Int, scale: Int, count: Int) {
      let position = max((Double(index) + 0.5) / Double(scale) - 0.5, 0)
      first = min(Int(position), count - 1)
      second = min(first + 1, count - 1)
      share = Float(position - Double(first))
    }
  }
}
