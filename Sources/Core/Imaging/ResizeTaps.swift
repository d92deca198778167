import CZooImaging

/// Which input pixels make which output pixel, and with what weight, along one direction.
struct ResizeTaps {
  private static let one = Double(1 << 22)

  private var starts: [Int32] = []
  private var lengths: [Int32] = []
  private var weights: [Int32]
  private let stride: Int

  init(from inputSize: Int, to outputSize: Int, _ filter: ResizeFilter) {
    let scale = Double(inputSize) / Double(outputSize)
    let widening = max(1, scale)
    let support = filter.support * widening
    stride = Int(support.rounded(.up)) * 2 + 1
    starts.reserveCapacity(outputSize)
    lengths.reserveCapacity(outputSize)
    weights = [Int32](repeating: 0, count: outputSize * stride)
    var exact = [Double](repeating: 0, count: stride)
    for output in 0..<outputSize {
      let center = (Double(output) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let length = min(inputSize, Int(center + support + 0.5)) - start
      var sum = 0.0
      for tap in 0..<length {
        exact[tap] = filter.weight(at: (Double(start + tap) - center + 0.5) * (1 / widening))
        sum += exact[tap]
      }
      for tap in 0..<length {
        weights[output * stride + tap] = Int32((exact[tap] * (1 / sum) * Self.one).rounded(.toNearestOrAwayFromZero))
      }
      starts.append(Int32(start))
      lengths.append(Int32(length))
    }
  }

  func withTaps(_ body: (zoo_resize_taps) -> Void) {
    starts.withUnsafeBufferPointer { starts in
      lengths.withUnsafeBufferPointer { lengths in
        weights.withUnsafeBufferPointer { weights in
          body(
            zoo_resize_taps(
              starts: starts.baseAddress, lengths: lengths.baseAddress, weights: weights.baseAddress, stride: stride))
        }
      }
    }
  }
}
