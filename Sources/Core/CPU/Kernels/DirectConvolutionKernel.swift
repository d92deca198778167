import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution or a transposed one as products of windows that are read where they lie: the pixels of a window's row are
/// next to each other, and a product goes from one row to the next by itself.
///
/// Some rows of the input are copied with their padding, which costs less than copying windows the more these overlap.
struct DirectConvolutionKernel: Kernel {
  /// The result pixels that see the same part of the kernel.
  struct Phase: Sendable {
    let matrix: WeightMatrix
    let windows: WindowTable
    /// Rows and columns of the padded input between the windows of neighbouring results, and rows between those of a window.
    let step: Extent
    let rowDilation: Int
    /// The first pixel in the whole result, and the way to the next.
    let row, column: Int
    let spread: Extent
    /// The first of the pieces of work of a picture, and of its rows.
    var firstPiece = 0
    var firstRow = 0
    var rowsPerPiece = 1
    /// The columns of the input that a row of the padded one is copied from; nil for zeros.
    let copies: [(source: Int?, count: Int)]
    /// Columns of the padded input.
    let width: Int

    init(
      _ phase: ConvolutionWeights.Phase, _ windows: WindowTable, step: Extent, rowDilation: Int, row: Int, column: Int,
      spread: Extent
    ) {
      matrix = phase.matrices[0]
      self.windows = windows
      self.step = step
      self.rowDilation = rowDilation
      self.row = row
      self.column = column
      self.spread = spread
      let width = (windows.outputWidth - 1) * step.width + windows.kernelWidth
      self.width = width
      copies = (0..<width).reduce(into: []) { copies, position in
        let output = min(position / step.width, windows.outputWidth - 1)
        let source = windows.column(output, position - output * step.width)
        if let last = copies.last, last.source.map({ $0 + last.count }) == source {
          copies[copies.count - 1].count += 1
        } else {
          copies.append((source, 1))
        }
      }
    }

    /// Rows of the padded input that results in so many rows see.
    func height(rows: Int) -> Int { (rows - 1) * step.height + (windows.kernelHeight - 1) * rowDilation + 1 }

    /// The row of the input that a row of the padded one has, or nil for zeros or what no window sees.
    func source(ofRow position: Int) -> Int? {
      let last = windows.outputHeight - 1
      let output = min(position / step.height, last)
      for row in stride(from: output, through: 0, by: -1) {
        let (tap, rest) = (position - row * step.height).quotientAndRemainder(dividingBy: rowDilation)
        if tap >= windows.kernelHeight { return nil }
        if rest == 0 { return windows.row(row, tap) }
      }
      return nil
    }
  }

  let algorithm = "direct"
  /// False where copies of windows are better: there are few rows of results to share out, or they are so wide that the
  /// rows that one of them sees are no longer in a cache.
  let isWorthwhile: Bool
  private let phases: [Phase]
  private let bias: AlignedBuffer?
  private let activation: zoo_activation
  private let input, output: Picture
  private let statistics: Statistics?
  private let piecesPerPicture: Int
  /// Pixels of each row of results, of all phases; moments are taken of rows.
  private let counts: [UInt32]
  let scratch: Scratch

  /// Pieces of work to aim for, so that threads finish at about the same time.
  private static let wantedPieces = 16
  /// Floats of the padded input of a piece at most, where it can be helped: it stays in the L2 cache.
  private static let maximumElements = 112 * 1024
  private static let worthwhilePieces = 8

  /// For a convolution that is not grouped, without dilation of columns and with a stride that is no wider than the kernel.
  ///
  /// - Parameter statistics: what else to compute of the result.
  init(
    _ options: Convolution, _ weights: ConvolutionWeights, statistics: Statistics?, input: Shape, output: Shape
  ) throws(BackendError) {
    let (from, to) = (Picture(input), Picture(output))
    let phase = Phase(
      weights.phases[0], try options.windows(weights.kernel, input: from, output: to), step: options.stride,
      rowDilation: options.dilation.height, row: 0, column: 0, spread: Extent(1))
    self.init(
      weights, statistics, input: from, output: to, activation: zoo_activation(options.activation), phases: [phase])
  }

  /// For a transposed convolution that is not grouped, without dilation.
  init(
    _ options: TransposedConvolution, _ weights: ConvolutionWeights, statistics: Statistics?, input: Shape,
    output: Shape
  ) throws(BackendError) {
    let (from, to) = (Picture(input), Picture(output))
    self.init(
      weights, statistics, input: from, output: to, activation: zoo_activation(options.activation),
      phases: try weights.subpixels(of: options, input: from, output: to).map {
        Phase(
          $0.weights, $0.windows, step: Extent(1), rowDilation: 1, row: $0.row, column: $0.column,
          spread: options.stride)
      })
  }

  private init(
    _ weights: ConvolutionWeights, _ statistics: Statistics?, input: Picture, output: Picture,
    activation: zoo_activation, phases: [Phase]
  ) {
    self.input = input
    self.output = output
    self.activation = activation
    self.statistics = statistics
    bias = weights.bias
    var (pieces, rows, scratch) = (0, 0, 0)
    var counts: [UInt32] = []
    self.phases = phases.map { phase in
      var phase = phase
      let height = phase.windows.outputHeight
      let row = phase.width * input.channels
      phase.rowsPerPiece = max((height * phases.count + Self.wantedPieces - 1) / Self.wantedPieces, 1)
      while phase.rowsPerPiece > 1, phase.height(rows: phase.rowsPerPiece) * row > Self.maximumElements {
        phase.rowsPerPiece -= 1
      }
      phase.firstPiece = pieces
      phase.firstRow = rows
      pieces += (height + phase.rowsPerPiece - 1) / phase.rowsPerPiece
      rows += height
      counts += [UInt32](repeating: UInt32(phase.windows.outputWidth), count: height)
      scratch = max(scratch, phase.height(rows: phase.rowsPerPiece) * row)
      return phase
    }
    piecesPerPicture = pieces
    isWorthwhile = pieces >= Self.worthwhilePieces && scratch <= 2 * Self.maximumElements
    self.counts = counts
    self.scratch = Scratch(
      shared: statistics == nil
        ? 0 : Statistics.scratch(pictures: output.count, chunks: counts.count, channels: output.channels),
      perThread: scratch)
  }

  func run(_ call: KernelCall) {
    call.parallelFor(input.count * piecesPerPicture) { worker, index in
      let (picture, piece) = index.quotientAndRemainder(dividingBy: piecesPerPicture)
      // There are as few phases as sub-pixel positions.
      guard let phase = phases.last(where: { $0.firstPiece <= piece }) else { return }
      let first = (piece - phase.firstPiece) * phase.rowsPerPiece
      let rows = first..<min(first + phase.rowsPerPiece, phase.windows.outputHeight)
      let padded = call.threadScratch(worker)
      pad(rows, of: phase, call.input(0) + picture * input.size, into: padded)
      multiply(rows, of: phase, picture: picture, padded, call)
    }
    if let result = call.resultStatistics {
      statistics?.join(
        call.sharedScratch, pictures: output.count, counts: counts, channels: output.channels, into: result, call)
    }
  }

  private func pad(
    _ rows: Range<Int>, of phase: Phase, _ x: UnsafePointer<Float>, into padded: UnsafeMutablePointer<Float>
  ) {
    let channels = input.channels
    for offset in 0..<phase.height(rows: rows.count) {
      var target = padded + offset * phase.width * channels
      guard let row = phase.source(ofRow: rows.lowerBound * phase.step.height + offset) else {
        target.update(repeating: 0, count: phase.width * channels)
        continue
      }
      for (source, count) in phase.copies {
        if let source {
          target.update(from: x + (row * input.width + source) * channels, count: count * channels)
        } else {
          target.update(repeating: 0, count: count * channels)
        }
        target += count * channels
      }
    }
  }

  private func multiply(
    _ rows: Range<Int>, of phase: Phase, picture: Int, _ padded: UnsafePointer<Float>, _ call: KernelCall
  ) {
    let line = phase.width * input.channels
    let stride = phase.spread.width * output.channels
    for row in rows {
      let pixel = (phase.row + row * phase.spread.height) * output.width + phase.column
      let offset = picture * output.size + pixel * output.channels
      phase.matrix.multiplyRuns(
        padded + (row - rows.lowerBound) * phase.step.height * line, rows: phase.windows.outputWidth,
        stride: phase.step.width * input.channels, runs: phase.windows.kernelHeight, step: phase.rowDilation * line,
        addend: call.addend.map { $0 + offset }, bias: bias?.base, activation: activation, into: call.output + offset,
        stride: stride)
      if let statistics {
        let chunk = picture * counts.count + phase.firstRow + row
        zoo_moments(
          statistics.instructions, call.output + offset, phase.windows.outputWidth, output.channels, stride,
          call.sharedScratch + chunk * 3 * output.channels, output.channels)
      }
    }
  }
}
