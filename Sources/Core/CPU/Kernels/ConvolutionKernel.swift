import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution, grouped or not, or a transposed one, as products of blocks of windows and packed weights.
struct ConvolutionKernel: Kernel {
  let algorithm: String
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
    /// The first of the pieces of work of a unit, and the first of the chunks whose moments are taken.
    let start, firstChunk: Int
  }

  private let phases: [Phase]
  private let bias: AlignedBuffer?
  private let activation: zoo_activation
  private let groups: Int
  private let input, output: Picture
  private let statistics: Statistics?
  /// Pictures whose pixels are rows of one product: all, unless they have to be told apart.
  private let picturesPerUnit: Int
  private let piecesPerUnit: Int
  /// Pixels of each chunk of a picture.
  private let counts: [UInt32]
  private let momentCount: Int
  /// All windows are copied before the pieces of work are handed out, which are columns of one product then.
  private let gathersFirst: Bool
  let scratch: Scratch

  /// For a convolution whose algorithm is `pointwise` or `im2col`.
  ///
  /// - Parameter statistics: what else to compute of the result.
  init(
    _ options: Convolution, _ weights: ConvolutionWeights, statistics: Statistics?, input: Shape, output: Shape
  ) throws(BackendError) {
    let (from, to) = (Picture(input), Picture(output))
    let windows = try options.windows(weights.kernel, input: from, output: to)
    try self.init(
      weights, statistics, input: from, output: to, activation: zoo_activation(options.activation),
      phases: [(windows, weights.phases[0], 0, 0, Extent(1))])
  }

  init(
    _ options: TransposedConvolution, _ weights: ConvolutionWeights, statistics: Statistics?, input: Shape,
    output: Shape
  ) throws(BackendError) {
    let (from, to) = (Picture(input), Picture(output))
    try self.init(
      weights, statistics, input: from, output: to, activation: zoo_activation(options.activation),
      phases: weights.subpixels(of: options, input: from, output: to).map {
        ($0.windows, $0.weights, $0.row, $0.column, options.stride)
      })
  }

  private init(
    _ weights: ConvolutionWeights, _ statistics: Statistics?, input: Picture, output: Picture,
    activation: zoo_activation,
    phases: [(windows: WindowTable, weights: ConvolutionWeights.Phase, row: Int, column: Int, step: Extent)]
  ) throws(BackendError) {
    self.input = input
    self.output = output
    self.activation = activation
    self.statistics = statistics
    bias = weights.bias
    groups = weights.groups
    algorithm = weights.kernels.prefix + (weights.algorithm == .pointwise ? "pointwise" : "im2col")
    // With OpenBLAS a sum depends on the number of rows around it.
    let isOnePicture =
      statistics != nil || weights.kernels == .openBLAS || phases.contains { $0.step != Extent(1) }
    let picturesPerUnit = isOnePicture ? 1 : input.count
    self.picturesPerUnit = picturesPerUnit
    let isOneProduct = phases.count == 1 && weights.groups == 1 && !isOnePicture
    var pieces = 0
    var scratch = 0
    var counts: [UInt32] = []
    self.phases = phases.map { phase in
      // All groups have the same sizes.
      let matrix = phase.weights.matrices[0]
      let isDirect =
        weights.algorithm == .pointwise && matrix.readsFloats && !Self.collides(stride: input.channels)
      let blocking = Blocking(
        rows: phase.windows.outputHeight * phase.windows.outputWidth * picturesPerUnit, columns: matrix.columns,
        depth: matrix.depth, sharesRows: isOneProduct, readsInPlace: isDirect && weights.kernels == .packed)
      let stride = isDirect ? 0 : Self.windowStride(rowSize: matrix.rowSize)
      scratch = max(
        scratch,
        blocking.rowsPerBlock * stride
          + (phase.step == Extent(1) ? 0 : blocking.rowsPerBlock * blocking.columnsPerBlock))
      defer {
        pieces += blocking.count * weights.groups
        counts += blocking.rowCounts
      }
      return Phase(
        windows: phase.windows, matrices: phase.weights.matrices, blocking: blocking, row: phase.row,
        column: phase.column, step: phase.step, windowStride: stride, start: pieces, firstChunk: counts.count)
    }
    piecesPerUnit = pieces
    self.counts = counts
    momentCount =
      statistics == nil
      ? 0 : Statistics.scratch(pictures: output.count, chunks: counts.count, channels: output.channels)
    gathersFirst = isOneProduct && self.phases[0].blocking.isByColumns && self.phases[0].windowStride > 0
    self.scratch = Scratch(
      shared: momentCount.roundedUp(to: Scratch.unit) + (gathersFirst ? scratch : 0),
      perThread: gathersFirst ? 0 : scratch)
  }

  /// Behind the moments.
  private func sharedWindows(_ call: KernelCall) -> UnsafeMutablePointer<Float> {
    call.sharedScratch + momentCount.roundedUp(to: Scratch.unit)
  }

  func run(_ call: KernelCall) {
    if gathersFirst {
      let phase = phases[0]
      call.parallelBlocks(phase.blocking.rows, of: Blocking.rowsPerCopy) { rows in
        gatherWindows(
          phase, phase.matrices[0], rows, from: call.input(0),
          into: sharedWindows(call) + rows.lowerBound * phase.windowStride)
      }
    }
    call.parallelFor(input.count / picturesPerUnit * piecesPerUnit) { worker, index in
      let (unit, piece) = index.quotientAndRemainder(dividingBy: piecesPerUnit)
      // There are as few phases as sub-pixel positions.
      guard let phase = phases.last(where: { $0.start <= piece }) else { return }
      let (group, block) = (piece - phase.start).quotientAndRemainder(dividingBy: phase.blocking.count)
      multiply(
        phase, group: group, block: block, firstPicture: unit * picturesPerUnit, call, call.threadScratch(worker))
    }
    if let result = call.resultStatistics {
      statistics?.join(
        call.sharedScratch, pictures: output.count, counts: counts, channels: output.channels, into: result, call)
    }
  }

  private func multiply(
    _ phase: Phase, group: Int, block: Int, firstPicture: Int, _ call: KernelCall,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let (rows, columns) = phase.blocking[block]
    let matrix = phase.matrices[group]
    let channel = group * matrix.columns + columns.lowerBound
    let bias = bias.map { UnsafePointer($0.base) + group * matrix.columns }
    let x = call.input(0) + firstPicture * input.size + group * (input.channels / groups)
    let y = call.output + firstPicture * output.size + channel

    let left: UnsafePointer<Float>
    var leftStride = phase.windowStride
    if leftStride == 0 {
      left = x + rows.lowerBound * input.channels
      leftStride = input.channels
    } else if gathersFirst {
      left = UnsafePointer(sharedWindows(call) + rows.lowerBound * phase.windowStride)
    } else {
      gatherWindows(phase, matrix, rows, from: x, into: scratch)
      left = UnsafePointer(scratch)
    }

    let isWhole = phase.step == Extent(1)
    let result =
      isWhole ? y + rows.lowerBound * output.channels : scratch + phase.blocking.rowsPerBlock * phase.windowStride
    let stride = isWhole ? output.channels : columns.count
    let addend = call.addend.map { $0 + (result - call.output) }
    matrix.multiply(
      left, rows: rows.count, stride: leftStride, columns: columns, addend: addend, bias: bias,
      activation: activation, into: result, stride: stride)
    if let statistics {
      let chunk = firstPicture * counts.count + phase.firstChunk + phase.blocking.rowBlock(block)
      zoo_moments(
        statistics.instructions, result, rows.count, columns.count, stride,
        call.sharedScratch + chunk * 3 * output.channels + channel, output.channels)
    }
    if isWhole { return }
    for (offset, pixel) in rows.enumerated() {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: phase.windows.outputWidth)
      let target =
        (phase.row + row * phase.step.height) * output.width + phase.column + column * phase.step.width
      (y + target * output.channels).update(from: result + offset * columns.count, count: columns.count)
    }
  }

  /// Writes the windows of `rows`, which may lie in several pictures.
  private func gatherWindows(
    _ phase: Phase, _ matrix: WeightMatrix, _ rows: Range<Int>, from x: UnsafePointer<Float>,
    into windows: UnsafeMutablePointer<Float>
  ) {
    var gather = phase.windows.gather(pixelStride: input.channels, channels: input.channels / groups)
    let pixels = phase.windows.outputHeight * phase.windows.outputWidth
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (picture, first) = row.quotientAndRemainder(dividingBy: pixels)
      let count = min(pixels - first, rows.upperBound - row)
      matrix.gather(
        &gather, from: x + picture * input.size, first: first, count: count,
        into: windows + (row - rows.lowerBound) * phase.windowStride, stride: phase.windowStride)
      row += count
    }
  }

  /// Rows this far apart compete for the same few lines of a cache.
  private static func collides(stride: Int) -> Bool { stride % 1024 == 0 }

  private static func windowStride(rowSize: Int) -> Int {
    let stride = max(rowSize, 1).roundedUp(to: Scratch.unit)
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
