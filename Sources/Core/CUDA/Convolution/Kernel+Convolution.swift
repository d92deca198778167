import CCUDA

extension Kernel {
  /// Windows and outputs of a block.
  var tile: (rows: Int, columns: Int)? {
    switch self {
    case .convolution8x4: (128, 64)
    case .convolution4x4: (64, 64)
    case .convolution2x2: (32, 32)
    case .tensorConvolution128: (128, 128)
    case .tensorConvolution128x64: (128, 64)
    case .tensorConvolution64x128: (64, 128)
    case .tensorConvolution64, .tensorConvolution64Any: (64, 64)
    default: nil
    }
  }

  /// As a profile shows it.
  var algorithm: String {
    switch self {
    case .depthwise: "depthwise"
    case .convolution8x4: "implicit GEMM 128×64"
    case .convolution4x4: "implicit GEMM 64×64"
    case .convolution2x2: "implicit GEMM 32×32"
    case .tensorConvolution128: "tensor cores 128×128"
    case .tensorConvolution128x64: "tensor cores 128×64"
    case .tensorConvolution64x128: "tensor cores 64×128"
    case .tensorConvolution64: "tensor cores 64×64"
    case .tensorConvolution64Any: "tensor cores 64×64, any channels"
    default: rawValue
    }
  }
}

extension zoo_convolution_arguments {
  /// What the time of a convolution depends on.
  var work: String {
    [
      items, height, width, channels, groups, outputs, rows, columns, kernel_height, kernel_width, stride_y, stride_x,
      step_y, step_x, first_y, first_x, padding, activation.kind,
    ].map(String.init).joined(separator: " ")
  }

  /// True where something else than zeros is around the input.
  var mustBePadded: Bool {
    padding != Int32(ZOO_PADDING_ZERO) && (first_y < 0 || first_x < 0 || reachesOut)
  }

  /// True where a window reads below or to the right of the input.
  private var reachesOut: Bool {
    (rows - 1) * stride_y + first_y + (kernel_height - 1) * step_y >= height
      || (columns - 1) * stride_x + first_x + (kernel_width - 1) * step_x >= width
  }

  func blocks(of kernel: Kernel, _ weights: ConvolutionWeights) -> Int {
    let windows = Int(items) * Int(rows) * Int(columns)
    guard let tile = kernel.tile else {
      let threads = kernel.threadCount
      return (windows * weights.groups * weights.outputs + threads - 1) / threads
    }
    return (windows + tile.rows - 1) / tile.rows * weights.groups
      * ((weights.outputs + tile.columns - 1) / tile.columns)
  }
}
