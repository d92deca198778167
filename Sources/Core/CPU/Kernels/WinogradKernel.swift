import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// The filters of a 3×3 convolution, transformed: 36 matrices `[C][O]`, one for each element of a transformed tile.
struct WinogradWeights: Sendable {
  static let elementCount = 36

  let matrices: [WeightMatrix]

  /// - Parameter filter: `[O, C, 3, 3]`
  init(filter: Constant, _ library: MatrixLibrary, _ instructions: InstructionSet) throws(BackendError) {
    let (outputs, inputs) = (filter.shape[0], filter.shape[1])
    let size = inputs * outputs
    let transformed = try AlignedBuffer(count: size * Self.elementCount, for: "weights")
    filter.values.withUnsafeBufferPointer { values in
      // Constants have at least one element.
      let filters = values.baseAddress!
      for output in 0..<outputs {
        for input in 0..<inputs {
          zoo_winograd_filter(
            filters + (output * inputs + input) * 9, transformed.base + input * outputs + output, size)
        }
      }
    }
    var matrices: [WeightMatrix] = []
    for element in 0..<Self.elementCount {
      matrices.append(
        try WeightMatrix(depth: inputs, columns: outputs, library: library, instructions: instructions) { rows in
          rows.update(from: transformed.base + element * size, count: size)
        })
    }
    self.matrices = matrices
  }
}

/// A 3×3 convolution with stride 1 by Winograd's F(4×4, 3×3): a quarter of the multiplications.
///
/// Rounding errors are some times those of the plain sum, about 1e-6 of the largest result. A NaN or an infinity in the
/// input spreads over the tiles of 4×4 results that it touches.
///
/// Tiles are taken some hundred at a time, so that their transforms stay in the L3 cache: all are transformed, then each
/// of the 36 elements is one matrix product over tiles and channels, then the results are transformed back.
struct WinogradKernel: Kernel {
  private static let outputSize = 4
  private static let inputSize = 6
  /// Floats of the transformed input and of the products of one turn at most.
  private static let maximumElements = 3 << 20

  private let weights: WinogradWeights
  private let zeros: AlignedBuffer
  private let bias: AlignedBuffer?
  private let activation: zoo_activation
  private let input, output: Picture
  /// The 6×6 windows of the tiles.
  private let windows: WindowTable
  private let tilesPerTurn: Int
  private let instructions: zoo_instruction_set

  init(
    _ options: Convolution, _ weights: WinogradWeights, zeros: AlignedBuffer, bias: AlignedBuffer?,
    input: Shape, output: Shape, instructions: InstructionSet
  ) throws(BackendError) {
    self.weights = weights
    self.zeros = zeros
    self.bias = bias
    self.input = Picture(input)
    self.output = Picture(output)
    self.instructions = instructions.kernels
    activation = zoo_activation(options.activation)
    let insets = options.insets(for: Extent(height: input[1], width: input[2]), kernel: Extent(3))
    func axis(outputs: Int, inputs: Int, padding: Int) -> WindowTable.Axis {
      let tiles = (outputs + Self.outputSize - 1) / Self.outputSize
      return WindowTable.Axis(outputs: tiles, taps: Self.inputSize) { tile, tap in
        // The last tile may reach beyond what any result depends on.
        let position = tile * Self.outputSize + tap
        return position < outputs + 2 ? options.paddingMode.source(of: position - padding, in: inputs) : nil
      }
    }
    windows = try WindowTable(
      rows: axis(outputs: output[1], inputs: input[1], padding: insets.top),
      columns: axis(outputs: output[2], inputs: input[2], padding: insets.leading), inputWidth: input[2])
    let tiles = windows.outputHeight * windows.outputWidth
    let most = max(
      Self.maximumElements / (WinogradWeights.elementCount * (self.input.channels + self.output.channels)), 1)
    let turns = (tiles + most - 1) / most
    tilesPerTurn = (tiles + turns - 1) / turns
  }

  private var tileCount: Int { windows.outputHeight * windows.outputWidth }

  /// The transformed input, `[36][tiles][C]`, then the products, `[36][tiles][O]`.
  var scratch: Scratch {
    Scratch(shared: WinogradWeights.elementCount * tilesPerTurn * (input.channels + output.channels))
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    for image in 0..<output.count {
      for first in stride(from: 0, to: tileCount, by: tilesPerTurn) {
        multiply(
          tiles: first..<min(first + tilesPerTurn, tileCount), from: x + image * input.size,
          to: call.output + image * output.size, call)
      }
    }
  }

  private func multiply(
    tiles: Range<Int>, from x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ call: KernelCall
  ) {
    let (inputs, outputs) = (input.channels, output.channels)
    let transformed = call.sharedScratch
    let products = transformed + WinogradWeights.elementCount * tilesPerTurn * inputs
    let (inputStride, outputStride) = (tiles.count * inputs, tiles.count * outputs)

    call.parallelBlocks(tiles.count, of: 4) { block in
      withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: WinogradWeights.elementCount) { taps in
        for index in block {
          let (row, column) = (tiles.lowerBound + index).quotientAndRemainder(dividingBy: windows.outputWidth)
          for r in 0..<Self.inputSize {
            let line = windows.row(row, r).map { x + $0 * input.width * inputs }
            for s in 0..<Self.inputSize {
              let pixel = windows.column(column, s)
              let source = if let line, let pixel { line + pixel * inputs } else { UnsafePointer(zeros.base) }
              taps[r * Self.inputSize + s] = source
            }
          }
          zoo_winograd_input(instructions, taps.baseAddress, inputs, transformed + index * inputs, inputStride)
        }
      }
    }

    let blocking = Blocking(rows: tiles.count, columns: outputs, depth: inputs)
    call.parallelFor(WinogradWeights.elementCount * blocking.count) { _, index in
      let (element, number) = index.quotientAndRemainder(dividingBy: blocking.count)
      let block = blocking[number]
      weights.matrices[element].multiply(
        transformed + element * inputStride + block.rows.lowerBound * inputs, rows: block.rows.count, stride: inputs,
        columns: block.columns, bias: nil, activation: zoo_activation(nil),
        into: products + element * outputStride + block.rows.lowerBound * outputs + block.columns.lowerBound,
        stride: outputs)
    }

    call.parallelBlocks(tiles.count, of: 4) { block in
      for index in block {
        let (row, column) = (tiles.lowerBound + index).quotientAndRemainder(dividingBy: windows.outputWidth)
        let (top, leading) = (row * Self.outputSize, column * Self.outputSize)
        zoo_winograd_output(
          instructions, products + index * outputs, outputStride, outputs, min(Self.outputSize, output.height - top),
          min(Self.outputSize, output.width - leading), bias?.base, activation,
          y + (top * output.width + leading) * outputs, output.width * outputs)
      }
    }
  }
}
