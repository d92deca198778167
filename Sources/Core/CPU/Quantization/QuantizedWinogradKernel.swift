import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A 3×3 convolution with stride 1 in 8 bits by Winograd's F(4×4, 3×3), as products of integers of 16 bits: 36 for each pair
/// of channels and 16 results in place of 144, with the bytes of plain sums.
///
/// All threads transform a block of tiles, then each takes panels of columns for a part of them: it transforms their filters,
/// multiplies, and transforms the products back while they are in its cache.
struct QuantizedWinogradKernel: Kernel {
  private let weights: QuantizedWeights
  private let result: QuantizedResult
  private let tiling: WinogradTiling
  /// Columns of a panel, and how many panels there are.
  private let width, panelCount: Int
  private let tilesPerPart, partsPerBlock: Int

  private static let form = WinogradForm.four
  private static var elementCount: Int { form.side * form.side }

  /// Bytes of the products of a part with a panel at most, where it can be helped: they stay in the L2 cache.
  private static let maximumProducts = 192 * 1024
  /// Bytes of the transformed tiles of a block at most, where it can be helped.
  private static let maximumTransformed = 2 * 1024 * 1024
  /// Tiles that are transformed by one thread at a time.
  private static let tilesPerTransform = 8

  var algorithm: String { "int8 winograd \(Self.form)" }

  init(
    _ options: Convolution, _ weights: QuantizedWeights, _ result: QuantizedResult, input: Shape, output: Shape,
    threads: Int
  ) throws(BackendError) {
    self.weights = weights
    self.result = result
    tiling = try WinogradTiling(options, Self.form, input: input, output: output)
    width = zoo_fixed_panel_width(weights.instructions)
    func shares(_ count: Int, ofAtMost most: Int) -> Int { (count + most - 1) / most }
    panelCount = shares(weights.columns, ofAtMost: width)
    let most = max(Self.maximumProducts / (Self.elementCount * width * MemoryLayout<Int32>.size), 1)
    // With fewer panels than threads, as many parts as there is work for.
    let least = min(shares(threads, ofAtMost: panelCount), tiling.count)
    tilesPerPart = shares(tiling.count, ofAtMost: max(least, shares(tiling.count, ofAtMost: most)))
    let bytes = Self.elementCount * tilesPerPart * tiling.input.channels * MemoryLayout<Int16>.size
    partsPerBlock = min(shares(tiling.count, ofAtMost: tilesPerPart), max(least, Self.maximumTransformed / bytes))
  }

  private var tilesPerBlock: Int { min(partsPerBlock * tilesPerPart, tiling.count) }
  private var inputs: Int { tiling.input.channels }

  /// Bytes from one tap of a panel to the next, and numbers from one transformed one: no multiples of a page, of which a
  /// cache holds few.
  static func tapStep(inputs: Int, width: Int) -> Int { inputs * width + MemoryBlock.alignment }
  private var filterStep: Int { inputs * width + MemoryBlock.alignment / MemoryLayout<Int16>.size }
  /// From one element of the transformed input to the next.
  private var step: Int { tilesPerBlock * inputs + MemoryBlock.alignment / MemoryLayout<Int16>.size }
  private var filterCount: Int { Self.form.side * filterStep }

  /// The transformed input of a block, `[36][tiles][C]`; a row of transformed filters and the products,
  /// `[36][tiles][columns]`.
  var scratch: Scratch {
    Scratch(
      shared: Self.elementCount * step / 2, perThread: filterCount / 2 + Self.elementCount * tilesPerPart * width)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0).bytes
    let transformed = UnsafeMutableRawPointer(call.sharedScratch).assumingMemoryBound(to: Int16.self)
    for image in 0..<tiling.output.count {
      for first in stride(from: 0, to: tiling.count, by: tilesPerBlock) {
        let tiles = first..<min(first + tilesPerBlock, tiling.count)
        call.parallelBlocks(tiles.count, of: Self.tilesPerTransform) { part in
          var gather = tiling.gather
          zoo_q_winograd_input(
            weights.instructions, &gather, x + image * tiling.input.size, weights.input.zero,
            tiles.lowerBound + part.lowerBound, part.count, transformed + part.lowerBound * inputs, step)
        }
        let parts = (tiles.count + tilesPerPart - 1) / tilesPerPart
        // The panels of a part follow each other, while its tiles are in the cache.
        call.parallelFor(panelCount * parts) { worker, index in
          let (part, panel) = index.quotientAndRemainder(dividingBy: panelCount)
          let start = tiles.lowerBound + part * tilesPerPart
          multiply(
            start..<min(start + tilesPerPart, tiles.upperBound), of: image,
            transformed + (start - tiles.lowerBound) * inputs, column: panel * width,
            scratch: call.threadScratch(worker), call)
        }
      }
    }
  }

  /// The results of a part of the tiles of a block and a panel of columns.
  private func multiply(
    _ tiles: Range<Int>, of image: Int, _ transformed: UnsafePointer<Int16>, column: Int,
    scratch: UnsafeMutablePointer<Float>, _ call: KernelCall
  ) {
    let side = Self.form.side
    let filters = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int16.self)
    let products = UnsafeMutableRawPointer(scratch + filterCount / 2).assumingMemoryBound(to: Int32.self)
    let elementStep = tiles.count * width
    for row in 0..<side {
      zoo_q_winograd_filter(
        weights.instructions, row, inputs * width, weights.panel(column), Self.tapStep(inputs: inputs, width: width),
        filters, filterStep)
      zoo_fixed_multiply(
        weights.instructions, side, tiles.count, inputs, transformed + row * side * step, step, nil, filters,
        filterStep, nil, products + row * side * elementStep, elementStep)
    }
    let offset = image * tiling.output.size + column
    var epilogue = weights.epilogue(column, result)
    epilogue.residual = call.addend.map { $0.bytes + offset }
    epilogue.residual_stride = weights.columns
    var geometry = tiling.tiles
    zoo_q_winograd_output(
      weights.instructions, &geometry, products, elementStep, tiles.lowerBound, tiles.count,
      min(width, weights.columns - column), &epilogue,
      UnsafeMutableRawPointer(call.output) + offset * result.byteCount)
  }
}
