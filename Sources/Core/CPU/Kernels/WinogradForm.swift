import CZooKernels

/// How a 3×3 convolution is computed in tiles by Winograd's algorithm.
enum WinogradForm: Sendable, Hashable {
  /// F(2×2, 3×3), F(4×4, 3×3) and F(6×6, 3×3).
  case two, four, six
  /// With stride 2, for tiles of 4 × 4 results. Every other pixel of a line is multiplied by the tap in the middle alone, and
  /// those between by the other two, which is F(4, 2).
  case down
  /// A transposed convolution with stride 2, for tiles of 8 × 8 results, by the same from the other side.
  case up

  /// Those with stride 1.
  static let sizes: [WinogradForm] = [.two, .four, .six]

  var kernels: zoo_winograd_form {
    switch self {
    case .two: ZOO_WINOGRAD_2
    case .four: ZOO_WINOGRAD_4
    case .six: ZOO_WINOGRAD_6
    case .down: ZOO_WINOGRAD_DOWN
    case .up: ZOO_WINOGRAD_UP
    }
  }

  /// Of a side of a tile: the pixels that it is computed from.
  var pixels: Int { zoo_winograd_pixels(kernels) }
  /// What they are transformed to: as many products for each pair of channels.
  var side: Int { zoo_winograd_side(kernels) }
  var results: Int { zoo_winograd_results(kernels) }
  /// From the first pixel of a tile to that of the next.
  var step: Int {
    switch self {
    case .two, .four, .six: results
    case .down: 2 * results
    case .up: results / 2
    }
  }

  /// Tiles of a picture of the results.
  func tiles(height: Int, width: Int) -> Int {
    (height + results - 1) / results * ((width + results - 1) / results)
  }
}

extension WinogradForm: CustomStringConvertible {
  /// In a profile.
  var description: String {
    switch self {
    case .two, .four, .six: "\(results)×\(results)"
    case .down: "stride 2"
    case .up: "transposed"
    }
  }
}
