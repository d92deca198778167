import ZooBackend
import ZooGraph

/// The results of a transposed convolution whose row and column leave the same remainders when divided by the stride: an
/// ordinary convolution of the input with stride 1, whose results stand a stride apart.
struct Subpixels {
  /// Windows follow each other as the taps of `weights` do, which is from the top and from the left.
  let windows: WindowTable
  let weights: ConvolutionWeights.Phase
  /// The first of the results.
  let row, column: Int
}

extension ConvolutionWeights {
  /// Those that there are in a result of this size.
  func subpixels(
    of options: TransposedConvolution, input: Picture, output: Picture
  ) throws(BackendError) -> [Subpixels] {
    var all: [Subpixels] = []
    for phase in phases {
      /// Result r of the phase, tap k: the input (first + r · stride + padding − k · dilation) / stride.
      func axis(
        _ taps: [Int], first: Int, outputs: Int, inputs: Int, stride: Int, dilation: Int, padding: Int
      ) -> WindowTable.Axis {
        WindowTable.Axis(outputs: outputs, taps: taps.count) { output, tap in
          let position = first + output * stride + padding - taps[tap] * dilation
          return PaddingMode.zero.source(of: position.quotientRoundingDown(by: stride), in: inputs)
        }
      }
      /// The first result index with the remainder, and how many follow.
      func span(_ remainder: Int, _ stride: Int, _ padding: Int, _ size: Int) -> (first: Int, count: Int) {
        let first = (remainder - padding % stride + stride) % stride
        return (first, first < size ? (size - first - 1) / stride + 1 : 0)
      }
      let rows = span(phase.row, options.stride.height, options.padding.height, output.height)
      let columns = span(phase.column, options.stride.width, options.padding.width, output.width)
      guard rows.count > 0, columns.count > 0 else { continue }
      let windows = try WindowTable(
        rows: axis(
          phase.rows, first: rows.first, outputs: rows.count, inputs: input.height, stride: options.stride.height,
          dilation: options.dilation.height, padding: options.padding.height),
        columns: axis(
          phase.columns, first: columns.first, outputs: columns.count, inputs: input.width,
          stride: options.stride.width, dilation: options.dilation.width, padding: options.padding.width),
        inputWidth: input.width)
      all.append(Subpixels(windows: windows, weights: phase, row: rows.first, column: columns.first))
    }
    return all
  }
}

extension Int {
  fileprivate func quotientRoundingDown(by divisor: Int) -> Int {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
