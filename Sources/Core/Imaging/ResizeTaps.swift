import CZooImaging

/// Which input pixels make which output pixel, and with what weight, along one direction.
public struct ResizeTaps: Sendable {
  private static let one = Double(1 << 22)

  /// Of each output pixel, the first input pixel and how many there are.
  public private(set) var starts: [Int32] = []
  public private(set) var lengths: [Int32] = []
  /// `stride` for each output pixel, as many of which count as it has input pixels; 2²² is one. Sums are rounded to the
  /// nearest, halves up, and clipped to 0…255.
  public private(set) var weights: [Int32]
  public let stride: Int

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

  /// Output pixels.
  public var count: Int { starts.count }

  /// The input pixels that are needed for any output pixel.
  var inputs: Range<Int> {
    let first = starts.min() ?? 0
    return Int(first)..<Int(zip(starts, lengths).map { $0 + $1 }.max() ?? first)
  }

  /// Those of some output pixels.
  func part(_ range: Range<Int>) -> ResizeTaps {
    guard range.count < count else { return self }
    var part = self
    part.starts = Array(starts[range])
    part.lengths = Array(lengths[range])
    part.weights = Array(weights[range.lowerBound * stride..<range.upperBound * stride])
    return part
  }

  /// For an input of which the first pixels are elsewhere.
  func shifted(by offset: Int) -> ResizeTaps {
    var shifted = self
    shifted.starts = starts.map { $0 + Int32(offset) }
    return shifted
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
