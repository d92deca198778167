import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A 3×3 convolution with stride 1 by Winograd's F(m×m, 3×3): 4, 16 or 36 results from 16, 36 or 64 products for each pair of
/// channels in place of 9 a result.
///
/// Rounding errors are some times those of the plain sum, about 1e-6 of the largest result for m = 4 and 1e-5 for m = 6. A
/// NaN or an infinity in the input spreads over the tiles that it touches. In networks in bfloat16, operands are integers of
/// 16 bits that share a scale with those of their row or column: bfloat16 itself would be several times less exact.
///
/// A block of tiles is transformed, multiplied and transformed back while it is in the cache of one processor; what the
/// blocks share is the weights, which each reads once. The instance normalisation before the convolution may be applied as
/// the input is read, and the statistics for the one behind are taken of the results before they leave the registers.
struct WinogradKernel: Kernel {
  private let weights: WinogradWeights
  private let bias: AlignedBuffer?
  private let activation, inputActivation: zoo_activation
  private let statistics: Statistics?
  private let input, output: Picture
  /// The windows of the tiles.
  private let windows: WindowTable
  private let tilesPerBlock, blocksPerImage: Int
  /// Pixels of each block of a picture.
  private let counts: [UInt32]

  var algorithm: String { "\(weights.kernels == .bfloat16 ? "int16 " : "")winograd \(weights.size)×\(weights.size)" }

  /// - Parameters:
  ///   - statistics: what else to compute of the result.
  ///   - inputActivation: what follows the normalisation of the input, where statistics of it are given.
  init(
    _ options: Convolution, _ weights: WinogradWeights, bias: AlignedBuffer?, statistics: Statistics?,
    inputActivation: zoo_activation, input: Shape, output: Shape
  ) throws(BackendError) {
    self.weights = weights
    self.bias = bias
    self.statistics = statistics
    self.inputActivation = inputActivation
    self.input = Picture(input)
    self.output = Picture(output)
    activation = zoo_activation(options.activation)
    let insets = options.insets(for: Extent(height: input[1], width: input[2]), kernel: Extent(3))
    let size = weights.size
    func axis(outputs: Int, inputs: Int, padding: Int) -> WindowTable.Axis {
      let tiles = (outputs + size - 1) / size
      return WindowTable.Axis(outputs: tiles, taps: size + 2) { tile, tap in
        // The last tile may reach beyond what any result depends on.
        let position = tile * size + tap
        return position < outputs + 2 ? options.paddingMode.source(of: position - padding, in: inputs) : nil
      }
    }
    let windows = try WindowTable(
      rows: axis(outputs: output[1], inputs: input[1], padding: insets.top),
      columns: axis(outputs: output[2], inputs: input[2], padding: insets.leading), inputWidth: input[2])
    self.windows = windows
    let tiles = windows.outputHeight * windows.outputWidth
    let most = weights.tilesPerBlock
    let blocks = (tiles + most - 1) / most
    let tilesPerBlock = (tiles + blocks - 1) / blocks
    self.tilesPerBlock = tilesPerBlock
    blocksPerImage = (tiles + tilesPerBlock - 1) / tilesPerBlock
    counts = stride(from: 0, to: tiles, by: tilesPerBlock).map { first in
      (first..<min(first + tilesPerBlock, tiles)).reduce(0) { sum, tile in
        let (row, column) = tile.quotientAndRemainder(dividingBy: windows.outputWidth)
        return sum + UInt32(min(size, output[1] - row * size) * min(size, output[2] - column * size))
      }
    }
  }

  private var tileCount: Int { windows.outputHeight * windows.outputWidth }
  private var momentCount: Int {
    statistics == nil
      ? 0 : Statistics.scratch(pictures: output.count, chunks: blocksPerImage, channels: output.channels)
  }
  private var transformedCount: Int { weights.transformedCount(tiles: tilesPerBlock) }

  /// The transformed input, `[elements][tiles][C]`, and products, `[elements][tiles][columns]`.
  var scratch: Scratch {
    Scratch(
      shared: momentCount, perThread: transformedCount + weights.elementCount * tilesPerBlock * weights.groupWidth)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let addend = call.addend
    let moments = call.resultStatistics == nil ? nil : call.sharedScratch
    var tiles = zoo_tiles(
      size: weights.size, across: windows.outputWidth, height: output.height, width: output.width,
      pixel_stride: output.channels)
    var gather = windows.gather(pixelStride: input.channels, channels: input.channels)
    let instructions = weights.instructions.kernels
    let width = weights.groupWidth
    call.parallelFor(output.count * blocksPerImage) { worker, index in
      let (image, block) = index.quotientAndRemainder(dividingBy: blocksPerImage)
      let first = block * tilesPerBlock
      let count = min(tilesPerBlock, tileCount - first)
      let transformed = call.threadScratch(worker)
      let products = transformed + transformedCount
      withNormalization(call.statistics, image) { normalization in
        weights.transform(
          &gather, x + image * input.size, normalization, first: first, count: count, room: tilesPerBlock,
          into: transformed)
      }
      for group in 0..<weights.groupCount {
        weights.multiply(group: group, count: count, room: tilesPerBlock, transformed, into: products)
        let channel = group * width
        let offset = image * output.size + channel
        zoo_winograd_output(
          instructions, &tiles, products, count * width, width, first, count, min(width, output.channels - channel),
          bias.map { $0.base + channel }, addend.map { $0 + offset }, activation,
          moments.map { $0 + index * 3 * output.channels + channel }, output.channels, call.output + offset)
      }
    }
    if let moments, let result = call.resultStatistics {
      statistics?.join(
        moments, pictures: output.count, counts: counts, channels: output.channels, into: result, call)
    }
  }

  private func withNormalization(
    _ statistics: UnsafePointer<Float>?, _ image: Int, _ body: (UnsafePointer<zoo_normalization>?) -> Void
  ) {
    guard let statistics else { return body(nil) }
    let mean = statistics + image * 3 * input.channels
    var normalization = zoo_normalization(
      mean: mean, scale: mean + input.channels, shift: mean + 2 * input.channels, activation: inputActivation)
    withUnsafePointer(to: &normalization) { body($0) }
  }
}
