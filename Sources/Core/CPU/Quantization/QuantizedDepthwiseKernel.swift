import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution with one filter a channel, in 8 bits.
struct QuantizedDepthwiseKernel: Kernel {
  var algorithm: String { "int8 depthwise" }
  private let weights: QuantizedWeights
  private let result: QuantizedResult
  private let windows: WindowTable
  private let input, output: Picture
  private let pixelsPerBlock, channelsPerBlock: Int

  /// Channels of a piece of work at most.
  private static let maximumChannels = 256

  init(
    _ options: Convolution, _ weights: QuantizedWeights, _ result: QuantizedResult, input: Shape, output: Shape
  ) throws(BackendError) {
    self.weights = weights
    self.result = result
    self.input = Picture(input)
    self.output = Picture(output)
    windows = try options.windows(weights.kernel, input: self.input, output: self.output)
    channelsPerBlock = min(self.output.channels, Self.maximumChannels)
    // Whole lines: what is brought together for one window serves its neighbours.
    let lines = max(elementsPerBlock / channelsPerBlock / max(self.output.width, 1), 1)
    pixelsPerBlock = min(lines, max(self.output.height, 1)) * max(self.output.width, 1)
  }

  private var gather: zoo_gather { windows.gather(pixelStride: input.channels, channels: channelsPerBlock) }

  var scratch: Scratch {
    var gather = gather
    return Scratch(
      perThread: zoo_q_depthwise_scratch_size(weights.instructions, &gather) / MemoryLayout<Float>.size + 1)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0).bytes
    let y = UnsafeMutableRawPointer(call.output)
    let pixelBlocks = (output.pixels + pixelsPerBlock - 1) / pixelsPerBlock
    let channelBlocks = (output.channels + channelsPerBlock - 1) / channelsPerBlock
    call.parallelFor(input.count * pixelBlocks * channelBlocks) { worker, index in
      let (rest, channelBlock) = index.quotientAndRemainder(dividingBy: channelBlocks)
      let (image, pixelBlock) = rest.quotientAndRemainder(dividingBy: pixelBlocks)
      let first = pixelBlock * pixelsPerBlock
      let channel = channelBlock * channelsPerBlock
      var gather = windows.gather(
        pixelStride: input.channels, channels: min(channelsPerBlock, input.channels - channel))
      var epilogue = weights.epilogue(channel, result)
      zoo_q_depthwise(
        weights.instructions, &gather, x + image * input.size + channel, weights.input.zero, weights.panel(channel),
        &epilogue, UnsafeMutableRawPointer(call.threadScratch(worker)), first,
        min(pixelsPerBlock, output.pixels - first),
        y + (image * output.size + channel) * result.byteCount)
    }
  }
}
