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
