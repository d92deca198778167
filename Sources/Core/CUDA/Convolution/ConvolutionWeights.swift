import ZooBackend
import ZooGraph
import ZooTensor

/// The filters of a convolution, a linear layer, or one phase of a transposed convolution, in the card's memory.
struct ConvolutionWeights: Sendable {
  /// `[groups · outputs][filterStride]`, taps before channels; for a depthwise one `[taps][groups · outputs]`.
  let filter: DeviceMemory
  /// Float32, and, where one of NVIDIA's libraries is to read it, in the network's elements as well.
  let bias, narrowBias: DeviceMemory?
  let groups: Int
  /// Of each group.
  let channels, outputs: Int
  let taps: Extent
  let filterStride: Int

  /// One channel a filter: a kernel of its own.
  var isDepthwise: Bool { channels == 1 && groups * outputs > 1 }
  var depth: Int { taps.height * taps.width * channels }

  /// Elements of a filter come in multiples of what a stage of the tensor-core kernel takes.
  private static let strideUnit = 32

  /// - Parameter weight: of a group's output and channel, at a tap.
  init(
    groups: Int, outputs: Int, channels: Int, taps: Extent, bias: DeviceMemory?, narrowBias: DeviceMemory? = nil,
    element: Element, device: CUDADevice,
    weight: (_ group: Int, _ output: Int, _ channel: Int, _ row: Int, _ column: Int) -> Float
  ) throws(BackendError) {
    self.groups = groups
    self.channels = channels
    self.outputs = outputs
    self.taps = taps
    self.bias = bias
    self.narrowBias = narrowBias
    let depth = taps.height * taps.width * channels
    let isDepthwise = channels == 1 && groups * outputs > 1
    filterStride = max(1, (depth + Self.strideUnit - 1) / Self.strideUnit) * Self.strideUnit
    var values = [Float](
      repeating: 0, count: groups * outputs * (isDepthwise ? taps.height * taps.width : filterStride))
    for filter in 0..<groups * outputs {
      let (group, output) = (filter / outputs, filter % outputs)
      for row in 0..<taps.height {
        for column in 0..<taps.width {
          let tap = row * taps.width + column
          for channel in 0..<channels {
            let index = isDepthwise ? tap * groups * outputs + filter : filter * filterStride + tap * channels + channel
            values[index] = weight(group, output, channel, row, column)
          }
        }
      }
    }
    filter = try DeviceMemory(copying: element.bytes(of: values), on: device, for: "weights")
  }

  var byteCount: Int {
    filter.byteCount + (bias?.byteCount ?? 0) + (narrowBias === bias ? 0 : narrowBias?.byteCount ?? 0)
  }
}

/// The pixels of a transposed convolution's result whose row and column leave the same remainders by the stride: an
/// ordinary convolution with some of the taps, so that nothing is multiplied by zeros.
struct Phase: Sendable {
  /// Of the result's first pixel.
  let firstRow, firstColumn: Int
  /// Where its first tap reads for that pixel, and from one tap to the next.
  let first: (y: Int, x: Int)
  let step: (y: Int, x: Int)
  let weights: ConvolutionWeights

  /// The taps of an axis that reach the results of one remainder.
  ///
  /// Result i·stride + a·dilation − padding gets tap a of input i. For remainder r these are the taps with r + padding −
  /// a·dilation a multiple of the stride, and the quotient is where they read, counted from the result's own quotient.
  struct Axis {
    var taps: [Int] = []
    var first = 0
    var step = 0

    init(remainder: Int, size: Int, stride: Int, dilation: Int, padding: Int) {
      var reads: [Int] = []
      for tap in 0..<size where (remainder + padding - tap * dilation) % stride == 0 {
        taps.append(tap)
        reads.append((remainder + padding - tap * dilation) / stride)
      }
      first = reads.first ?? 0
      step = reads.count > 1 ? reads[1] - reads[0] : 0
    }
  }
}
