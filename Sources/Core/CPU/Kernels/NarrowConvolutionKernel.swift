import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution with few results a pixel, such as the last of an image generator.
///
/// As a product over whole windows, 3 results would fill 3 of 32 columns of a register tile. Here one product over the
/// rows of a window gives `[kW · O]` numbers for every input column: what the column adds to each of the kW results that
/// see it. Their sums along the diagonals are the results.
struct NarrowConvolutionKernel: Kernel {
  let algorithm: String
  /// Floats of the windows of one piece of work at most.
  private static let maximumElements = 112 * 1024

  /// `[kH · C][kW · O]`
  private let matrix: WeightMatrix
  private let bias: AlignedBuffer?
  private let activation: zoo_activation
  private let kernelWidth: Int
  private let input, output: Picture
  /// All rows and one column of the kernel, at every column of the padded input.
  private let windows: WindowTable
  private let windowStride: Int
  private let columnsPerPiece: Int
  private let instructions: zoo_instruction_set

  init(
    _ options: Convolution, _ weights: ConvolutionWeights, matrix: WeightMatrix, input: Shape, output: Shape,
    instructions: InstructionSet
  ) throws(BackendError) {
    self.matrix = matrix
    algorithm = weights.kernels.prefix + "narrow"
    bias = weights.bias
    activation = zoo_activation(options.activation)
    kernelWidth = weights.kernel.width
    self.input = Picture(input)
    self.output = Picture(output)
    self.instructions = instructions.kernels
    let insets = options.insets(for: Extent(height: input[1], width: input[2]), kernel: weights.kernel)
    windows = try WindowTable(
      rows: .sliding(
        outputs: output[1], taps: weights.kernel.height, stride: options.stride.height,
        dilation: options.dilation.height, padding: insets.top, mode: options.paddingMode, inputs: input[1]),
      columns: .sliding(
        outputs: output[2] + kernelWidth - 1, taps: 1, stride: 1, dilation: 1, padding: insets.leading,
        mode: options.paddingMode, inputs: input[2]),
      inputWidth: input[2])
    windowStride = matrix.rowSize.roundedUp(to: Scratch.unit)
    columnsPerPiece = min(max(Self.maximumElements / windowStride - kernelWidth + 1, 16), output[2])
  }

  private var maximumColumns: Int { columnsPerPiece + kernelWidth - 1 }

  var scratch: Scratch { Scratch(perThread: maximumColumns * (windowStride + matrix.columns)) }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let pieces = (output.width + columnsPerPiece - 1) / columnsPerPiece
    call.parallelFor(output.count * output.height * pieces) { worker, index in
      let (line, piece) = index.quotientAndRemainder(dividingBy: pieces)
      let (image, row) = line.quotientAndRemainder(dividingBy: output.height)
      let first = piece * columnsPerPiece
      let count = min(columnsPerPiece, output.width - first)
      let sources = count + kernelWidth - 1
      let rows = call.threadScratch(worker)
      let products = rows + maximumColumns * windowStride
      var gather = windows.gather(pixelStride: input.channels, channels: input.channels)
      matrix.gather(
        &gather, from: x + image * input.size, first: row * windows.outputWidth + first, count: sources, into: rows,
        stride: windowStride)
      matrix.multiply(
        rows, rows: sources, stride: windowStride, columns: 0..<matrix.columns, bias: nil,
        activation: zoo_activation(nil), into: products, stride: matrix.columns)
      zoo_sum_diagonals(
        instructions, products, count, kernelWidth, output.channels, bias?.base, activation,
        call.output + (line * output.width + first) * output.channels)
    }
  }
}
