import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution with few results a pixel, such as the last of an image generator.
///
/// As a product over whole windows, 3 results would fill 3 of 32 columns of a register tile. Here one product of the input's
/// pixels, as they lie, by all taps gives `[kH · kW · O]` numbers for each: what the pixel adds to each of the results that
/// see it. Of those of the rows of a window the sums are taken first, then along the diagonals, which are the results.
struct NarrowConvolutionKernel: Kernel {
  let algorithm: String
  /// Floats of the products of one piece of work at most.
  private static let maximumElements = 112 * 1024
  /// Rows of a piece at most: those of a window are multiplied for the piece above too.
  private static let maximumRows = 128

  /// `[C][kH · kW · O]`, filled up with zeros.
  private let matrix: WeightMatrix
  private let bias: AlignedBuffer?
  private let activation: zoo_activation
  private let kernel: Extent
  private let input, output: Picture
  /// All rows and one column of the kernel, at every column of the padded input.
  private let windows: WindowTable
  /// Rows of the input that the windows of one row of results span at most.
  private let slotCount: Int
  private let columnsPerPiece: Int
  private let rowsPerPiece: Int
  private let instructions: zoo_instruction_set

  init(
    _ options: Convolution, _ weights: ConvolutionWeights, matrix: WeightMatrix, input: Shape, output: Shape,
    threads: Int, instructions: InstructionSet
  ) throws(BackendError) {
    self.matrix = matrix
    algorithm = weights.kernels.prefix + "narrow"
    bias = weights.bias
    activation = zoo_activation(options.activation)
    kernel = weights.kernel
    self.input = Picture(input)
    self.output = Picture(output)
    self.instructions = instructions.kernels
    let insets = options.insets(for: Extent(height: input[1], width: input[2]), kernel: kernel)
    let windows = try WindowTable(
      rows: .sliding(
        outputs: output[1], taps: kernel.height, stride: options.stride.height,
        dilation: options.dilation.height, padding: insets.top, mode: options.paddingMode, inputs: input[1]),
      columns: .sliding(
        outputs: output[2] + kernel.width - 1, taps: 1, stride: 1, dilation: 1, padding: insets.leading,
        mode: options.paddingMode, inputs: input[2]),
      inputWidth: input[2])
    self.windows = windows
    let height = kernel.height
    slotCount = (0..<output[1]).reduce(1) { most, row in
      let sources = (0..<height).compactMap { windows.row(row, $0) }
      return max(most, (sources.max() ?? 0) - (sources.min() ?? 0) + 1)
    }
    let fitting = max(Self.maximumElements / (slotCount * matrix.columns) - kernel.width + 1, 16)
    let pieces = (output[2] + fitting - 1) / fitting
    columnsPerPiece = (output[2] + pieces - 1) / pieces
    // Some pieces for each thread, but none so low that most of it is what the piece above has multiplied as well.
    let across = pieces * output[0]
    let down = threads > 1 ? (2 * threads + across - 1) / across : 1
    rowsPerPiece = min(Self.maximumRows, max(4 * height, (output[1] + down - 1) / down))
  }

  private var maximumColumns: Int { columnsPerPiece + kernel.width - 1 }
  /// Numbers for a column of the padded input when the rows of a window are added.
  private var sumWidth: Int { kernel.width * output.channels }
  private var slotSize: Int { maximumColumns * matrix.columns }
  /// Kernels read and write so much beyond the end.
  private static let margin = 2 * Scratch.unit

  /// Products of some rows of the input, the sums of one row of windows, and a row of the input in the form that is multiplied.
  var scratch: Scratch {
    Scratch(
      perThread: slotCount * slotSize + maximumColumns * sumWidth + 2 * Self.margin
        + (matrix.readsFloats ? 0 : maximumColumns * matrix.rowSize))
  }

  func run(_ call: KernelCall) {
    let across = (output.width + columnsPerPiece - 1) / columnsPerPiece
    let down = (output.height + rowsPerPiece - 1) / rowsPerPiece
    call.parallelFor(output.count * down * across) { worker, index in
      let (band, strip) = index.quotientAndRemainder(dividingBy: across)
      let (image, part) = band.quotientAndRemainder(dividingBy: down)
      let (row, column) = (part * rowsPerPiece, strip * columnsPerPiece)
      compute(
        rows: row..<min(row + rowsPerPiece, output.height),
        columns: column..<min(column + columnsPerPiece, output.width), image: image, call, call.threadScratch(worker))
    }
  }

  private func compute(
    rows: Range<Int>, columns: Range<Int>, image: Int, _ call: KernelCall, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let x = call.input(0) + image * input.size
    let sums = scratch + slotCount * slotSize + Self.margin
    let rounded = sums + maximumColumns * sumWidth + Self.margin
    let padded = columns.lowerBound..<columns.upperBound + kernel.width - 1
    let sources = padded.compactMap { windows.column($0, 0) }
    let first = sources.min() ?? 0
    let count = sources.isEmpty ? 0 : (sources.max() ?? 0) - first + 1
    let places = padded.map { windows.column($0, 0).map { Int32($0 - first) } ?? -1 }
    // The row of the input whose products a slot has.
    var held = [Int](repeating: -1, count: slotCount)
    var taps = [UnsafePointer<Float>?](repeating: nil, count: kernel.height)
    for row in rows {
      for tap in 0..<kernel.height {
        guard let source = windows.row(row, tap) else {
          taps[tap] = nil
          continue
        }
        let products = scratch + source % slotCount * slotSize
        if held[source % slotCount] != source {
          held[source % slotCount] = source
          multiply(x + (source * input.width + first) * input.channels, count, rounded, into: products)
        }
        taps[tap] = UnsafePointer(products)
      }
      zoo_sum_rows(instructions, taps, kernel.height, places, places.count, sumWidth, matrix.columns, sums)
      let target = (image * output.height + row) * output.width + columns.lowerBound
      zoo_sum_diagonals(
        instructions, sums, columns.count, kernel.width, output.channels, bias?.base, activation,
        call.output + target * output.channels)
    }
  }

  /// What `count` pixels of the input add to the results around them.
  private func multiply(
    _ pixels: UnsafePointer<Float>, _ count: Int, _ rounded: UnsafeMutablePointer<Float>,
    into products: UnsafeMutablePointer<Float>
  ) {
    var left = pixels
    if !matrix.readsFloats {
      matrix.round(pixels, rows: count, into: rounded)
      left = UnsafePointer(rounded)
    }
    matrix.multiply(
      left, rows: count, stride: matrix.rowSize, columns: 0..<matrix.columns, bias: nil,
      activation: zoo_activation(nil),
      into: products, stride: matrix.columns)
  }
}
