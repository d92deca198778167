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
  private let inputActivation: zoo_activation
  private let tiling: WinogradTiling
  /// A block is a chunk of them.
  private let results: WinogradResults

  var algorithm: String { "int16 winograd \(weights.form)" }

  /// - Parameters:
  ///   - statistics: what else to compute of the result.
  ///   - inputActivation: what follows the normalisation of the input, where statistics of it are given.
  init(
    _ options: Convolution, _ weights: FixedWinogradWeights, bias: AlignedBuffer?, statistics: Statistics?,
    inputActivation: zoo_activation, input: Shape, output: Shape
  ) throws(BackendError) {
    self.weights = weights
    self.inputActivation = inputActivation
    let tiling = try WinogradTiling(options, weights.form, input: input, output: output)
    self.tiling = tiling
    let most = weights.tilesPerBlock
    let blocks = (tiling.count + most - 1) / most
    results = WinogradResults(
      tiling, bias: bias, activation: zoo_activation(options.activation), statistics: statistics,
      instructions: weights.instructions, width: weights.width, tilesPerChunk: (tiling.count + blocks - 1) / blocks)
  }

  private var tilesPerBlock: Int { results.tilesPerChunk }
  private var transformedCount: Int { weights.transformedCount(tiles: tilesPerBlock) }

  /// The transformed input, `[elements][tiles][C]`, and products, `[elements][tiles][columns]`.
  var scratch: Scratch {
    Scratch(
      shared: results.momentCount,
      perThread: transformedCount + weights.elementCount * tilesPerBlock * weights.width)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let moments = call.resultStatistics == nil ? nil : call.sharedScratch
    call.parallelFor(tiling.output.count * results.chunkCount) { worker, index in
      let (image, block) = index.quotientAndRemainder(dividingBy: results.chunkCount)
      let first = block * tilesPerBlock
      let count = min(tilesPerBlock, tiling.count - first)
      let transformed = call.threadScratch(worker)
      let products = transformed + transformedCount
      var gather = tiling.gather
      tiling.withNormalization(call.statistics, inputActivation, image: image) { normalization in
        weights.transform(
          &gather, x + image * tiling.input.size, normalization, first: first, count: count, room: tilesPerBlock,
          into: transformed)
      }
      for panel in 0..<weights.panelCount {
        weights.multiply(panel: panel, count: count, room: tilesPerBlock, transformed, into: products)
        results.write(first..<first + count, of: image, panel: panel, products, moments: moments, call)
      }
    }
    results.join(moments, call)
  }
}
