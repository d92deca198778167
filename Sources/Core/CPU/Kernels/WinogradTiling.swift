import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// How the results of a 3×3 convolution with stride 1 are cut into tiles of size × size pixels, row by row.
struct WinogradTiling: Sendable {
  /// 2, 4 or 6.
  let size: Int
  let input, output: Picture
  /// (size + 2)² pixels for each tile.
  private let windows: WindowTable

  init(_ options: Convolution, size: Int, input: Shape, output: Shape) throws(BackendError) {
    self.size = size
    self.input = Picture(input)
    self.output = Picture(output)
    let insets = options.insets(for: Extent(height: input[1], width: input[2]), kernel: Extent(3))
    func axis(outputs: Int, inputs: Int, padding: Int) -> WindowTable.Axis {
      let tiles = (outputs + size - 1) / size
      return WindowTable.Axis(outputs: tiles, taps: size + 2) { tile, tap in
        // The last tile may reach beyond what any result depends on.
        let position = tile * size + tap
        return position < outputs + 2 ? options.paddingMode.source(of: position - padding, in: inputs) : nil
      }
    }
    windows = try WindowTable(
      rows: axis(outputs: output[1], inputs: input[1], padding: insets.top),
      columns: axis(outputs: output[2], inputs: input[2], padding: insets.leading), inputWidth: input[2])
  }

  /// Tiles of a picture.
  var count: Int { windows.outputHeight * windows.outputWidth }

  /// For the kernels; valid as long as this structure is.
  var gather: zoo_gather { windows.gather(pixelStride: input.channels, channels: input.channels) }

  var tiles: zoo_tiles {
    zoo_tiles(
      size: size, across: windows.outputWidth, height: output.height, width: output.width,
      pixel_stride: output.channels)
  }

  /// Pixels of the result in each `chunk` tiles, the last ones being fewer.
  func pixelCounts(chunk: Int) -> [UInt32] {
    stride(from: 0, to: count, by: chunk).map { first in
      (first..<min(first + chunk, count)).reduce(0) { sum, tile in
        let (row, column) = tile.quotientAndRemainder(dividingBy: windows.outputWidth)
        return sum + UInt32(min(size, output.height - row * size) * min(size, output.width - column * size))
      }
    }
  }

  /// The normalisation through which a picture is read, if there is one.
  func withNormalization(
    _ statistics: UnsafePointer<Float>?, _ activation: zoo_activation, image: Int,
    _ body: (UnsafePointer<zoo_normalization>?) -> Void
  ) {
    guard let statistics else { return body(nil) }
    let mean = statistics + image * 3 * input.channels
    var normalization = zoo_normalization(
      mean: mean, scale: mean + input.channels, shift: mean + 2 * input.channels, activation: activation)
    withUnsafePointer(to: &normalization) { body($0) }
  }
}
