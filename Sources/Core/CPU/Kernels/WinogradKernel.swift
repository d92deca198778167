import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A 3×3 convolution in float32 by Winograd's F(m×m, 3×3): 4, 16 or 36 results from 16, 36 or 64 products for each pair of
/// channels in place of 9 a result; with stride 2, 16 results from 81 products, and of a transposed convolution with stride 2
/// 64 from 81 in place of 144.
///
/// Rounding errors are some times those of the plain sum, about 1e-6 of the largest result for m = 4 and 1e-5 for m = 6; less
/// than for m = 4 with stride 2. A
/// NaN or an infinity in the input spreads over the tiles that it touches.
///
/// All threads transform a block of tiles, then each takes panels of columns: it transforms their filters, multiplies, and
/// transforms the products back while they are in its cache. The instance normalisation before the convolution may be
/// applied as the input is read, and the statistics for the one behind are taken of the results before they leave the
/// registers.
struct WinogradKernel: Kernel {
  private let weights: WinogradWeights
  private let inputActivation: zoo_activation
  private let tiling: WinogradTiling
  private let results: WinogradResults
  private let chunksPerPart, partsPerBlock: Int

  var algorithm: String { "winograd \(weights.form)" }

  /// Tiles of a chunk, about.
  private static let chunk = 32
  /// Floats of the products of a part with a panel at most, where it can be helped: they stay in the L2 cache. The fewer
  /// tiles are multiplied at a time, the more of the time goes into the transforms of the filters.
  private static let maximumProducts = 256 * 1024

  /// - Parameters:
  ///   - statistics: what else to compute of the result.
  ///   - inputActivation: what follows the normalisation of the input, where statistics of it are given.
  ///   - threads: that there is to be work for.
  init(
    _ tiling: WinogradTiling, _ weights: WinogradWeights, bias: AlignedBuffer?, activation: Activation?,
    statistics: Statistics?, inputActivation: zoo_activation, threads: Int
  ) {
    self.weights = weights
    self.inputActivation = inputActivation
    self.tiling = tiling
    func shares(_ count: Int, ofAtMost most: Int) -> Int { (count + most - 1) / most }
    func share(_ count: Int, ofAtMost most: Int) -> Int { shares(count, ofAtMost: shares(count, ofAtMost: most)) }
    let tilesPerChunk = share(tiling.count, ofAtMost: Self.chunk)
    results = WinogradResults(
      tiling, bias: bias, activation: zoo_activation(activation), statistics: statistics,
      instructions: weights.instructions, width: weights.width, tilesPerChunk: tilesPerChunk)
    let chunks = results.chunkCount
    let most = max(Self.maximumProducts / (weights.elementCount * weights.width * tilesPerChunk), 1)
    let together = weights.sumsDependOnRows ? 1 : Self.parts(panels: weights.panelCount, threads: threads)
    let wanted = max(together, shares(chunks, ofAtMost: most))
    chunksPerPart = share(chunks, ofAtMost: max(chunks / wanted, 1))
    partsPerBlock = min(together, shares(chunks, ofAtMost: chunksPerPart))
  }

  /// Parts of a block whose products with all panels keep the threads busy until the end, or nearly.
  private static func parts(panels: Int, threads: Int) -> Int {
    /// How many times as long as with work that can be cut at will.
    func waste(_ parts: Int) -> Double {
      let turns = (panels * parts + threads - 1) / threads
      return Double(turns * threads) / Double(panels * parts)
    }
    let least = (threads + panels - 1) / panels
    return (least...least + 3).first { waste($0) < 1.15 } ?? least
  }

  private var tilesPerPart: Int { chunksPerPart * results.tilesPerChunk }
  private var tilesPerBlock: Int { min(partsPerBlock * tilesPerPart, tiling.count) }
  private var elementCount: Int { weights.elementCount }

  /// From one element of the transformed input to the next: not a multiple of a page, of which a cache holds few.
  private var step: Int { tilesPerBlock * weights.inputs + Scratch.unit }

  /// The transformed input of a block, `[elements][tiles][C]`, and the moments; a row of transformed filters and the
  /// products, `[elements][tiles][columns]`.
  var scratch: Scratch {
    Scratch(
      shared: elementCount * step + results.momentCount,
      perThread: weights.rowCount + elementCount * tilesPerPart * weights.width)
  }

  func run(_ call: KernelCall) {
    let transformed = call.sharedScratch
    let moments = call.resultStatistics == nil ? nil : transformed + elementCount * step
    for image in 0..<tiling.output.count {
      for first in stride(from: 0, to: tiling.count, by: tilesPerBlock) {
        let tiles = first..<min(first + tilesPerBlock, tiling.count)
        transform(tiles, of: image, into: transformed, call)
        let parts = (tiles.count + tilesPerPart - 1) / tilesPerPart
        call.parallelFor(weights.panelCount * parts) { worker, index in
          let (panel, part) = index.quotientAndRemainder(dividingBy: parts)
          let start = tiles.lowerBound + part * tilesPerPart
          let row = call.threadScratch(worker)
          let products = row + weights.rowCount
          let count = min(tilesPerPart, tiles.upperBound - start)
          weights.multiply(
            panel: panel, count: count, transformed + (start - tiles.lowerBound) * weights.inputs,
            transformedStep: step, row: row, into: products)
          results.write(start..<start + count, of: image, panel: panel, products, moments: moments, call)
        }
      }
    }
    results.join(moments, call)
  }

  private func transform(
    _ tiles: Range<Int>, of image: Int, into transformed: UnsafeMutablePointer<Float>, _ call: KernelCall
  ) {
    let x = call.input(0) + image * tiling.input.size
    tiling.withNormalization(call.statistics, inputActivation, image: image) { normalization in
      call.parallelBlocks(tiles.count, of: results.tilesPerChunk) { part in
        var gather = tiling.gather
        zoo_winograd_input(
          weights.instructions.kernels, weights.form.kernels, &gather, x, normalization,
          tiles.lowerBound + part.lowerBound,
          part.count, transformed + part.lowerBound * weights.inputs, step, weights.inputs)
      }
    }
  }
}
