import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution with one filter a channel.
struct DepthwiseKernel: Kernel {
  var algorithm: String { "depthwise" }
  private let filter, zeros: AlignedBuffer
  private let bias: AlignedBuffer?
  private let activation: zoo_activation
  private let windows: WindowTable
  /// The windows of a row that are computed together.
  private let groups: [zoo_window_group]
  private let step: Int
  private let input, output: Picture
  private let instructions: zoo_instruction_set
  private let rowsPerBlock, channelsPerBlock: Int

  /// Weights of a block of channels at most: they stay in the L1 cache while pixels pass by.
  private static let maximumWeights = 4096
  /// Channels that a block is a multiple of: those of two vectors.
  private static let channelUnit = 32

  init(
    _ options: Convolution, _ weights: ConvolutionWeights, filter: AlignedBuffer, zeros: AlignedBuffer, input: Shape,
    output: Shape, instructions: InstructionSet
  ) throws(BackendError) {
    self.input = Picture(input)
    self.output = Picture(output)
    self.filter = filter
    self.zeros = zeros
    bias = weights.bias
    activation = zoo_activation(options.activation)
    windows = try options.windows(weights.kernel, input: self.input, output: self.output)
    self.instructions = instructions.kernels
    step = options.stride.width
    groups = windows.groups(step: step)
    let window = windows.kernelHeight * windows.kernelWidth
    let mostChannels = max(Self.maximumWeights / window / Self.channelUnit, 1) * Self.channelUnit
    let channelBlocks = (self.output.channels + mostChannels - 1) / mostChannels
    channelsPerBlock = min(
      ((self.output.channels + channelBlocks - 1) / channelBlocks).roundedUp(to: Self.channelUnit), self.output.channels
    )
    // Rows are computed in pairs.
    rowsPerBlock = max(elementsPerBlock / (channelsPerBlock * self.output.width) / 2 * 2, 2)
  }

  /// Pointers to what a window reads and to its weights, and to the rows of two windows.
  private var pointerCount: Int { (2 * windows.kernelWidth + 1) * windows.kernelHeight + 1 }

  var scratch: Scratch {
    Scratch(perThread: pointerCount * MemoryLayout<UnsafePointer<Float>>.size / MemoryLayout<Float>.size)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let rowBlocks = (output.height + rowsPerBlock - 1) / rowsPerBlock
    let channelBlocks = (output.channels + channelsPerBlock - 1) / channelsPerBlock
    call.parallelFor(input.count * rowBlocks * channelBlocks) { worker, index in
      let (rest, channelBlock) = index.quotientAndRemainder(dividingBy: channelBlocks)
      let (image, rowBlock) = rest.quotientAndRemainder(dividingBy: rowBlocks)
      let first = rowBlock * rowsPerBlock
      let channel = channelBlock * channelsPerBlock
      var gather = windows.gather(
        pixelStride: input.channels, channels: min(channelsPerBlock, input.channels - channel))
      groups.withUnsafeBufferPointer { groups in
        var rowOfWindows = zoo_window_groups(groups: groups.baseAddress, count: groups.count, step: step)
        call.threadScratch(worker).withMemoryRebound(
          to: UnsafePointer<Float>?.self, capacity: pointerCount
        ) { pointers in
          zoo_depthwise(
            instructions, &gather, &rowOfWindows, x + image * input.size + channel, filter.base + channel,
            bias.map { $0.base + channel }, zeros.base, pointers, activation, first,
            min(rowsPerBlock, output.height - first), call.output + image * output.size + channel)
        }
      }
    }
  }
}
