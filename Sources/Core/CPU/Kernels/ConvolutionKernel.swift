import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution, grouped or not, or a transposed one, as products of blocks of windows and packed weights.
struct ConvolutionKernel: Kernel {
  /// The result pixels of one phase: an ordinary convolution whose results stand some rows and columns apart.
  struct Phase: Sendable {
    let windows: WindowTable
    let matrices: [WeightMatrix]
    let blocking: Blocking
    /// The first pixel in the whole result, and the way to the next.
    let row, column: Int
    let step: Extent
    /// From one row of windows to the next, in floats; zero where the input is the left-hand side.
    let windowStride: Int
  }

  private let phases: [Phase]
  private let bias: AlignedBuffer?
  private let activation: zoo_activation
  private let groups: Int
  private let input, output: Picture
  /// Pieces of work of one picture that come before each phase, and their number.
  private let starts: [Int]
  private let piecesPerImage: Int
  let scratch: Scratch

  /// For a convolution whose algorithm is not `depthwise`.
  init(_ options: Convolution, _ weights: ConvolutionWeights, input: Shape, output: Shape) throws(BackendError) {
    let (from, to) = (Picture(input), Picture(output))
    let windows = try options.windows(weights.kernel, input: from, output: to)
    try self.init(
      weights, input: from, output: to, activation: zoo_activation(options.activation),
      phases: [(windows, weights.phases[0], 0, 0, Extent(1))])
  }

  init(
    _ options: TransposedConvolution, _ weights: ConvolutionWeights, input: Shape, output: Shape
  ) throws(BackendError) {
    let (from, to) = (Picture(input), Picture(output))
    var phases: [(WindowTable, ConvolutionWeights.Phase, Int, Int, Extent)] = []
    for phase in weights.phases {
      /// Result r of the phase, tap k: the input (first + r · stride + padding − k · dilation) / stride.
      func axis(
        _ taps: [Int], first: Int, outputs: Int, inputs: Int, stride: Int, dilation: Int, padding: Int
      ) -> WindowTable.Axis {
        WindowTable.Axis(outputs: outputs, taps: taps.count) { output, tap in
          let position = first + output * stride + padding - taps[tap] * dilation
          return PaddingMode.zero.source(of: position.quotientRoundingDown(by: stride), in: inputs)
        }
      }
      /// The first result index with the remainder, and how many follow.
      func span(_ remainder: Int, _ stride: Int, _ padding: Int, _ size: Int) -> (first: Int, count: Int) {
        let first = (remainder - padding % stride + stride) % stride
        return (first, first < size ? (size - first - 1) / stride + 1 : 0)
      }
      let rows = span(phase.row, options.stride.height, options.padding.height, to.height)
      let columns = span(phase.column, options.stride.width, options.padding.width, to.width)
      guard rows.count > 0, columns.count > 0 else { continue }
      let windows = try WindowTable(
        rows: axis(
          phase.rows, first: rows.first, outputs: rows.count, inputs: from.height, stride: options.stride.height,
          dilation: options.dilation.height, padding: options.padding.height),
        columns: axis(
          phase.columns, first: columns.first, outputs: columns.count, inputs: from.width,
          stride: options.stride.width, dilation: options.dilation.width, padding: options.padding.width),
        inputWidth: from.width)
      phases.append((windows, phase, rows.first, columns.first, options.stride))
    }
    try self.init(
      weights, input: from, output: to, activation: zoo_activation(options.activation), phases: phases)
  }

  private init(
    _ weights: ConvolutionWeights, input: Picture, output: Picture, activation: zoo_activation,
    phases: [(windows: WindowTable, weights: ConvolutionWeights.Phase, row: Int, column: Int, step: Extent)]
  ) throws(BackendError) {
    self.input = input
    self.output = output
    self.activation = activation
    bias = weights.bias
    groups = weights.groups
    var starts: [Int] = []
    var pieces = 0
    var scratch = 0
    self.phases = phases.map { phase in
      // All groups have the same sizes.
      let matrix = phase.weights.matrices[0]
      let blocking = Blocking(
        rows: phase.windows.outputHeight * phase.windows.outputWidth, columns: matrix.columns, depth: matrix.depth)
      let isDirect = weights.algorithm == .pointwise && !Self.collides(stride: input.channels)
      let stride = isDirect ? 0 : Self.windowStride(depth: matrix.depth)
      starts.append(pieces)
      pieces += blocking.count * weights.groups
      scratch = max(
        scratch,
        blocking.rowsPerBlock * stride
          + (phase.step == Extent(1) ? 0 : blocking.rowsPerBlock * blocking.columnsPerBlock))
      return Phase(
        windows: phase.windows, matrices: phase.weights.matrices, blocking: blocking, row: phase.row,
        column: phase.column, step: phase.step, windowStride: stride)
    }
    self.starts = starts
    piecesPerImage = pieces
    self.scratch = Scratch(perThread: scratch)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    call.parallelFor(input.count * piecesPerImage) { worker, index in
      let (image, piece) = index.quotientAndRemainder(dividingBy: piecesPerImage)
      // There are as few phases as sub-pixel positions.
      let number = starts.lastIndex { $0 <= piece } ?? 0
      let phase = phases[number]
      let (group, block) = (piece - starts[number]).quotientAndRemainder(dividingBy: phase.blocking.count)
      multiply(
        phase, group: group, phase.blocking[block], from: x + image * input.size,
        to: call.output + image * output.size, scratch: call.threadScratch(worker))
    }
  }

  private func multiply(
    _ phase: Phase, group: Int, _ block: (rows: Range<Int>, columns: Range<Int>), from x: UnsafePointer<Float>,
    to y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    let matrix = phase.matrices[group]
    let source = x + group * (input.channels / groups)
    let firstChannel = group * matrix.columns
    let bias = bias.map { UnsafePointer($0.base) + firstChannel }
    let count = block.rows.count

    let left: UnsafePointer<Float>
    var leftStride = phase.windowStride
    if leftStride == 0 {
      left = source + block.rows.lowerBound * input.channels
      leftStride = input.channels
    } else {
      var gather = phase.windows.gather(pixelStride: input.channels, channels: input.channels / groups)
      zoo_im2col(&gather, source, block.rows.lowerBound, count, scratch, leftStride)
      left = UnsafePointer(scratch)
    }

    if phase.step == Extent(1) {
      matrix.multiply(
        left, rows: count, stride: leftStride, columns: block.columns, bias: bias, activation: activation,
        into: y + block.rows.lowerBound * output.channels + firstChannel + block.columns.lowerBound,
        stride: output.channels)
      return
    }
    let tile = scratch + phase.blocking.rowsPerBlock * phase.windowStride
    matrix.multiply(
      left, rows: count, stride: leftStride, columns: block.columns, bias: bias, activation: activation, into: tile,
      stride: block.columns.count)
    for (offset, pixel) in block.rows.enumerated() {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: phase.windows.outputWidth)
      let target =
        (phase.row + row * phase.step.height) * output.width + phase.column + column * phase.step.width
      (y + target * output.channels + firstChannel + block.columns.lowerBound)
        .update(from: tile + offset * block.columns.count, count: block.columns.count)
    }
  }

  /// Rows this far apart compete for the same few lines of a cache.
  private static func collides(stride: Int) -> Bool { stride % 1024 == 0 }

  private static func windowStride(depth: Int) -> Int {
    let stride = max(depth, 1).roundedUp(to: Scratch.unit)
    return stride % 256 == 0 ? stride + Scratch.unit : stride
  }
}

/// `[N, H, W, C]`
struct Picture: Sendable, Hashable {
  let count, height, width, channels: Int

  init(_ shape: Shape) {
    (count, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
  }

  /// Elements of one picture.
  var size: Int { pixels * channels }
  var pixels: Int { height * width }
}

extension Convolution {
  func windows(_ kernel: Extent, input: Picture, output: Picture) throws(BackendError) -> WindowTable {
    let insets = insets(for: Extent(height: input.height, width: input.width), kernel: kernel)
    return try WindowTable(
      rows: .sliding(
        outputs: output.height, taps: kernel.height, stride: stride.height, dilation: dilation.height,
        padding: insets.top, mode: paddingMode, inputs: input.height),
      columns: .sliding(
        outputs: output.width, taps: kernel.width, stride: stride.width, dilation: dilation.width,
        padding: insets.leading, mode: paddingMode, inputs: input.width),
      inputWidth: input.width)
  }
}

extension Int {
  fileprivate func quotientRoundingDown(by divisor: Int) -> Int {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
