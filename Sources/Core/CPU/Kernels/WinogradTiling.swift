import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// How the results of a 3×3 convolution are cut into tiles, row by row.
struct WinogradTiling: Sendable {
  let form: WinogradForm
  let input, output: Picture
  /// The pixels for each tile.
  private let windows: WindowTable

  /// Of a convolution with stride 1, or 2 for ``WinogradForm/down``.
  init(_ options: Convolution, _ form: WinogradForm, input: Shape, output: Shape) throws(BackendError) {
    let insets = options.insets(for: Extent(height: input[1], width: input[2]), kernel: Extent(3))
    func source(outputs: Int, inputs: Int, stride: Int, padding: Int) -> (Int) -> Int? {
      // The last tile may reach beyond what any result depends on.
      let count = (outputs - 1) * stride + 3
      return { $0 < count ? options.paddingMode.source(of: $0 - padding, in: inputs) : nil }
    }
    try self.init(
      form, input: input, output: output,
      rows: source(outputs: output[1], inputs: input[1], stride: options.stride.height, padding: insets.top),
      columns: source(outputs: output[2], inputs: input[2], stride: options.stride.width, padding: insets.leading))
  }

  /// Of a transposed convolution with stride 2 and a padding of 1: pixel i gives the results 2i − 1 to 2i + 1.
  init(transposing form: WinogradForm, input: Shape, output: Shape) throws(BackendError) {
    try self.init(
      form, input: input, output: output, rows: { $0 < input[1] ? $0 : nil }, columns: { $0 < input[2] ? $0 : nil })
  }

  /// - Parameters:
  ///   - rows: the row of the input that is at a position from the first pixel of the first tile on, or nil for zeros.
  ///   - columns: the same of columns.
  private init(
    _ form: WinogradForm, input: Shape, output: Shape, rows: @escaping (Int) -> Int?,
    columns: @escaping (Int) -> Int?
  ) throws(BackendError) {
    self.form = form
    self.input = Picture(input)
    self.output = Picture(output)
    func axis(outputs: Int, source: @escaping (Int) -> Int?) -> WindowTable.Axis {
      WindowTable.Axis(outputs: (outputs + form.results - 1) / form.results, taps: form.pixels) { tile, pixel in
        source(tile * form.step + pixel)
      }
    }
    windows = try WindowTable(
      rows: axis(outputs: output[1], source: rows), columns: axis(outputs: output[2], source: columns),
      inputWidth: input[2])
  }

  /// Tiles of a picture.
  var count: Int { windows.outputHeight * windows.outputWidth }

  /// For the kernels; valid as long as this structure is.
  var gather: zoo_gather { windows.gather(pixelStride: input.channels, channels: input.channels) }

  var tiles: zoo_tiles {
    zoo_tiles(
      form: form.kernels, across: windows.outputWidth, height: output.height, width: output.width,
      pixel_stride: output.channels)
  }

  /// Pixels of the result in each `chunk` tiles, the last ones being fewer.
  func pixelCounts(chunk: Int) -> [UInt32] {
    stride(from: 0, to: count, by: chunk).map { first in
      (first..<min(first + chunk, count)).reduce(0) { sum, tile in
        let (row, column) = tile.quotientAndRemainder(dividingBy: windows.outputWidth)
        let size = form.results
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
