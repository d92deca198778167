import CCUDA
import ZooBackend
import ZooGraph

/// Where the tensors of a convolution lie: addresses in the card's memory, 0 for none.
struct ConvolutionPlaces {
  var input, addend, result, scratch: UInt64
}

/// One way to do a convolution, one phase of a transposed convolution, or a linear layer.
struct ConvolutionMethod: Sendable {
  /// As choices keep it.
  let name: String
  /// As a profile shows it.
  let algorithm: String
  /// Bytes that it needs while it runs.
  let scratchSize: Int
  /// Puts it into a stream of the device that this thread's calls go to.
  let start: @Sendable (ConvolutionPlaces, Stream) throws(BackendError) -> Void
  /// Keeps what it takes to find it again, now that it was chosen.
  var keep: @Sendable () -> Void = {}

  /// A kernel of our own.
  init(
    _ kernel: Kernel, _ arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights, _ library: KernelLibrary
  ) {
    let blocks = arguments.blocks(of: kernel, weights)
    name = kernel.rawValue
    algorithm = kernel.algorithm
    scratchSize = 0
    start = { places, stream throws(BackendError) in
      var arguments = arguments
      arguments.input = places.input
      arguments.weights = weights.filter.address
      arguments.bias = weights.bias?.address ?? 0
      arguments.addend = places.addend
      arguments.result = places.result
      try library.start(Launch(kernel, blocks: blocks, arguments), on: stream)
    }
  }

  /// An algorithm of one of NVIDIA's libraries; what is around the input, if not zeros, is put there by a kernel of our own.
  init(
    _ vendor: any VendorAlgorithm, _ convolution: VendorConvolution, _ arguments: zoo_convolution_arguments,
    _ weights: ConvolutionWeights, _ insets: Insets, _ library: KernelLibrary, keep: @escaping @Sendable () -> Void
  ) {
    let element = convolution.element
    let pads = arguments.mustBePadded
    let channels = convolution.groups * convolution.channels
    let paddedCount = convolution.items * convolution.height * convolution.width * channels
    let padded = pads ? (paddedCount * element.byteCount + 255) / 256 * 256 : 0
    name = vendor.name
    algorithm = pads ? "pad, \(vendor.name)" : vendor.name
    scratchSize = padded + vendor.workspaceByteCount
    self.keep = keep
    start = { places, stream throws(BackendError) in
      var input = places.input
      if pads {
        var padding = zoo_picture_arguments()
        (padding.input, padding.result) = (places.input, places.scratch)
        padding.items = arguments.items
        (padding.height, padding.width) = (arguments.height, arguments.width)
        padding.channels = Int32(channels)
        (padding.result_height, padding.result_width) = (Int32(convolution.height), Int32(convolution.width))
        (padding.top, padding.leading) = (Int32(insets.top), Int32(insets.leading))
        padding.mode = arguments.padding
        try library.start(Launch(.pad, threads: paddedCount, padding), on: stream)
        input = places.scratch
      }
      try vendor.start(
        VendorOperands(
          input: input, filter: weights.filter.address, bias: weights.bias?.address ?? 0,
          narrowBias: weights.narrowBias?.address ?? 0, addend: places.addend, result: places.result,
          workspace: places.scratch + UInt64(padded)),
        on: stream)
    }
  }
}

extension VendorConvolution {
  /// Nil for what the libraries are not asked for: other activations than ReLU.
  init?(
    _ arguments: zoo_convolution_arguments, _ weights: ConvolutionWeights, _ insets: Insets, hasAddend: Bool,
    element: Element, allowsTF32: Bool
  ) {
    let activation = Int(arguments.activation.kind)
    guard activation == ZOO_ACTIVATION_NONE || activation == ZOO_ACTIVATION_RELU else { return nil }
    let pads = arguments.mustBePadded
    self.init(
      element: element, allowsTF32: allowsTF32, items: Int(arguments.items),
      height: Int(arguments.height) + (pads ? insets.top + insets.bottom : 0),
      width: Int(arguments.width) + (pads ? insets.leading + insets.trailing : 0), channels: weights.channels,
      outputs: weights.outputs, groups: weights.groups, rows: Int(arguments.rows), columns: Int(arguments.columns),
      taps: weights.taps, stride: Extent(height: Int(arguments.stride_y), width: Int(arguments.stride_x)),
      dilation: Extent(height: max(1, Int(arguments.step_y)), width: max(1, Int(arguments.step_x))),
      top: pads ? 0 : insets.top, leading: pads ? 0 : insets.leading, filterStride: weights.filterStride,
      hasBias: weights.bias != nil, hasAddend: hasAddend, hasReLU: activation == ZOO_ACTIVATION_RELU)
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
  fileprivate var mustBePadded: Bool {
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

  fileprivate var algorithm: String {
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
