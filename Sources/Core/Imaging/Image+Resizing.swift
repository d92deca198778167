import CZooImaging

/// How pixels are weighted when a picture is scaled. Both filters widen where it is scaled down, so that nothing aliases.
public enum ResizeFilter: Sendable, Hashable {
  /// A triangle over two pixels.
  case bilinear
  /// Keys' cubic convolution with a = −0.5, over four pixels.
  case bicubic

  /// Half the width, in pixels of the picture that is larger.
  fileprivate var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  fileprivate func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear: return max(0, 1 - x)
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}

extension Image {
  /// The picture at another size, in the way of Pillow: rows first, then columns, with 8-bit pixels in between and weights
  /// in fixed point.
  public func resized(width newWidth: Int, height newHeight: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    try ImageLimits(pixels: 1 << 30, side: 65535).check(width: newWidth, height: newHeight)
    guard (newWidth, newHeight) != (width, height) else { return self }

    let rows = Taps(from: height, to: newHeight, filter)
    let columns = Taps(from: width, to: newWidth, filter)
    // Only the rows that the second pass looks at; these are all of them but for rounding at the edges.
    var narrowed = pixels
    if newWidth != width {
      narrowed = Self.filled(newWidth * height * 3) { target in
        pixels.withUnsafeBufferPointer { source in
          columns.withTaps { taps in
            zoo_resize_horizontal(source.baseAddress, width, height, taps, target.baseAddress, newWidth)
          }
        }
      }
    }
    guard newHeight != height else { return Image(trustedWidth: newWidth, height: height, pixels: narrowed) }
    let resized = Self.filled(newWidth * newHeight * 3) { target in
      narrowed.withUnsafeBufferPointer { source in
        rows.withTaps { taps in
          zoo_resize_vertical(source.baseAddress, newWidth * 3, taps, target.baseAddress, newHeight)
        }
      }
    }
    return Image(trustedWidth: newWidth, height: newHeight, pixels: resized)
  }

  /// The picture scaled so that its short side has `shortSide` pixels; the long side is rounded to nearest.
  public func resized(shortSide: Int, filter: ResizeFilter) throws(ImagingError) -> Image {
    guard shortSide > 0 else { throw ImagingError(.invalidParameter, "the short side is \(shortSide): give 1 or more") }
    let (short, long) = (min(width, height), max(width, height))
    guard short != shortSide else { return self }
    let (product, overflow) = shortSide.multipliedReportingOverflow(by: long)
    guard !overflow else { throw ImagingError(.invalidParameter, "the short side is \(shortSide): that is too large") }
    let newLong = (product + short / 2) / short
    return try resized(
      width: width <= height ? shortSide : newLong, height: width <= height ? newLong : shortSide, filter: filter)
  }

  /// The middle of the picture; of an odd margin the smaller half is at the top and leading edge.
  ///
  /// - Throws: ``ImagingError`` where the picture is smaller.
  public func centerCropped(width newWidth: Int, height newHeight: Int) throws(ImagingError) -> Image {
    guard 1...width ~= newWidth, 1...height ~= newHeight else {
      throw ImagingError(.invalidParameter, "\(newWidth)×\(newHeight) cannot be cropped out of \(width)×\(height) pixels")
    }
    guard (newWidth, newHeight) != (width, height) else { return self }
    let left = (width - newWidth) / 2
    let top = (height - newHeight) / 2
    var cropped: [UInt8] = []
    cropped.reserveCapacity(newWidth * newHeight * 3)
    for row in top..<top + newHeight {
      let start = (row * width + left) * 3
      cropped.append(contentsOf: pixels[start..<start + newWidth * 3])
    }
    return Image(trustedWidth: newWidth, height: newHeight, pixels: cropped)
  }

  private static func filled(_ count: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      fill(target)
      initialized = count
    }
  }
}

/// Which input pixels make which output pixel, and with what weight, along one direction.
private struct Taps {
  private static let fractionBits = 22

  private var starts: [Int32] = []
  private var lengths: [Int32] = []
  private var weights: [Int32] = []
  private let stride: Int

  init(from inputSize: Int, to outputSize: Int, _ filter: ResizeFilter) {
    let scale = Double(inputSize) / Double(outputSize)
    let widening = max(1, scale)
    let support = filter.support * widening
    stride = Int(support.rounded(.up)) * 2 + 1
    for output in 0..<outputSize {
      let center = (Double(output) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(inputSize, Int(center + support + 0.5))
      let raw = (start..<end).map { filter.weight(at: (Double($0) - center + 0.5) / widening) }
      let sum = raw.reduce(0, +)
      starts.append(Int32(start))
      lengths.append(Int32(raw.count))
      for weight in raw {
        weights.append(Int32((weight / sum * Double(1 << Self.fractionBits)).rounded(.toNearestOrAwayFromZero)))
      }
      weights.append(contentsOf: repeatElement(0, count: stride - raw.count))
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
