import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A 3×3 convolution with stride 1 by Winograd's algorithm in networks in bfloat16, as products of integers of 16 bits that
/// share a scale with those of their row or column: bfloat16 itself would be several times less exact.
///
/// A block of tiles is transformed, multiplied and transformed back while it is in the cache of one processor; what the
/// blocks share is the weights, which each reads once. Normalisation and statistics are as in ``WinogradKernel``.
struct FixedWinogradKernel: Kernel {
  private let weights: FixedWinogradWeights
  private let bias: AlignedBuffer?
  private let activation, inputActivation: zoo_activation
  private let statistics: Statistics?
  private let tiling: WinogradTiling
  private let tilesPerBlock, blocksPerImage: Int
  /// Pixels of each block of a picture.
  private let counts: [UInt32]

  var algorithm: String { "int16 winograd \(weights.size)×\(weights.size)" }

  /// - Parameters:
  ///   - statistics: what else to compute of the result.
  ///   - inputActivation: what follows the normalisation of the input, where statistics of it are given.
  init(
    _ options: Convolution, _ weights: FixedWinogradWeights, bias: AlignedBuffer?, statistics: Statistics?,
    inputActivation: zoo_activation, input: Shape, output: Shape
  ) throws(BackendError) {
    self.weights = weights
    self.bias = bias
    self.statistics = statistics
    self.inputActivation = inputActivation
    activation = zoo_activation(options.activation)
    let tiling = try WinogradTiling(options, size: weights.size, input: input, output: output)
    self.tiling = tiling
    let most = weights.tilesPerBlock
    let blocks = (tiling.count + most - 1) / most
    tilesPerBlock = (tiling.count + blocks - 1) / blocks
    counts = tiling.pixelCounts(chunk: tilesPerBlock)
    blocksPerImage = counts.count
  }

  private var momentCount: Int {
    statistics == nil
      ? 0 : Statistics.scratch(pictures: tiling.output.count, chunks: blocksPerImage, channels: weights.outputs)
  }
  private var transformedCount: Int { weights.transformedCount(tiles: tilesPerBlock) }

  /// The transformed input, `[elements][tiles][C]`, and products, `[elements][tiles][columns]`.
  var scratch: Scratch {
    Scratch(
      shared: momentCount, perThread: transformedCount + weights.elementCount * tilesPerBlock * weights.width)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let addend = call.addend
    let moments = call.resultStatistics == nil ? nil : call.sharedScratch
    let (width, channels) = (weights.width, weights.outputs)
    call.parallelFor(tiling.output.count * blocksPerImage) { worker, index in
      let (image, block) = index.quotientAndRemainder(dividingBy: blocksPerImage)
      let first = block * tilesPerBlock
      let count = min(tilesPerBlock, tiling.count - first)
      let transformed = call.threadScratch(worker)
      let products = transformed + transformedCount
      var gather = tiling.gather
      var tiles = tiling.tiles
      tiling.withNormalization(call.statistics, inputActivation, image: image) { normalization in
        weights.transform(
          &gather, x + image * tiling.input.size, normalization, first: first, count: count, room: tilesPerBlock,
          into: transformed)
      }
      for panel in 0..<weights.panelCount {
        weights.multiply(panel: panel, count: count, room: tilesPerBlock, transformed, into: products)
        let channel = panel * width
        let offset = image * tiling.output.size + channel
        zoo_winograd_output(
          weights.instructions.kernels, &tiles, products, count * width, width, first, count,
          min(width, channels - channel), bias.map { $0.base + channel }, addend.map { $0 + offset }, activation,
          moments.map { $0 + index * 3 * channels + channel }, channels, call.output + offset)
      }
    }
    if let moments, let result = call.resultStatistics {
      statistics?.join(
        moments, pictures: tiling.output.count, counts: counts, channels: channels, into: result, call)
    }
  }
}
