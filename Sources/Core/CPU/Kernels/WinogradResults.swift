import CZooKernels
import ZooBackend

/// What becomes of the products of transformed tiles: transformed back, they are results, with bias, addend and activation,
/// and statistics are taken of them.
struct WinogradResults: Sendable {
  let tiling: WinogradTiling
  let bias: AlignedBuffer?
  let activation: zoo_activation
  /// What else to compute of the result.
  let statistics: Statistics?
  let instructions: zoo_instruction_set
  /// Columns of a panel.
  let width: Int
  /// Moments are taken of so many tiles, whatever the number of threads.
  let tilesPerChunk: Int
  /// Pixels of each chunk of a picture.
  private let counts: [UInt32]

  init(
    _ tiling: WinogradTiling, bias: AlignedBuffer?, activation: zoo_activation, statistics: Statistics?,
    instructions: InstructionSet, width: Int, tilesPerChunk: Int
  ) {
    self.tiling = tiling
    self.bias = bias
    self.activation = activation
    self.statistics = statistics
    self.instructions = instructions.kernels
    self.width = width
    self.tilesPerChunk = tilesPerChunk
    counts = tiling.pixelCounts(chunk: tilesPerChunk)
  }

  /// Of a picture.
  var chunkCount: Int { counts.count }

  /// Floats that the moments of all pictures take.
  var momentCount: Int {
    statistics == nil
      ? 0
      : Statistics.scratch(pictures: tiling.output.count, chunks: counts.count, channels: tiling.output.channels)
  }

  /// Writes the results of tiles, of which the first begins a chunk, and of a panel of columns.
  ///
  /// - Parameters:
  ///   - products: `[elements][tiles][width]`
  ///   - moments: of all pictures, or nil where nobody asks for statistics.
  func write(
    _ tiles: Range<Int>, of image: Int, panel: Int, _ products: UnsafePointer<Float>,
    moments: UnsafeMutablePointer<Float>?, _ call: KernelCall
  ) {
    let channels = tiling.output.channels
    let channel = panel * width
    let offset = image * tiling.output.size + channel
    var geometry = tiling.tiles
    for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: tilesPerChunk) {
      let chunk = image * counts.count + first / tilesPerChunk
      zoo_winograd_output(
        instructions, &geometry, products + (first - tiles.lowerBound) * width, tiles.count * width, width, first,
        min(tilesPerChunk, tiles.upperBound - first), min(width, channels - channel), bias.map { $0.base + channel },
        call.addend.map { $0 + offset }, activation, moments.map { $0 + chunk * 3 * channels + channel }, channels,
        call.output + offset)
    }
  }

  /// Makes the statistics of the moments, where somebody asks for them.
  func join(_ moments: UnsafeMutablePointer<Float>?, _ call: KernelCall) {
    guard let moments, let result = call.resultStatistics else { return }
    statistics?.join(
      moments, pictures: tiling.output.count, counts: counts, channels: tiling.output.channels, into: result, call)
  }
}
