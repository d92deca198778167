/// How large a picture may be. Held against its header, before memory for its pixels is taken.
public struct ImageLimits: Sendable, Hashable {
  /// Of the encoded file.
  public var bytes: Int
  public var pixels: Int
  /// Of the longer side, in pixels.
  public var side: Int

  public init(bytes: Int = 64 << 20, pixels: Int = 64 << 20, side: Int = 16384) {
    self.bytes = bytes
    self.pixels = pixels
    self.side = side
  }

  func check(bytes count: Int) throws(ImagingError) {
    guard count <= bytes else {
      throw ImagingError(.limitExceeded, "the picture's file has \(count) bytes and at most \(bytes) are read: send a smaller one")
    }
  }

  func check(width: Int, height: Int) throws(ImagingError) {
    guard width > 0, height > 0 else {
      throw ImagingError(.malformed, "the picture is \(width)×\(height) pixels: it is empty")
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard width <= side, height <= side, !overflow, count <= pixels else {
      throw ImagingError(
        .limitExceeded,
        "the picture is \(width)×\(height) pixels and at most \(side) on a side and \(pixels) in all are read: "
          + "send a smaller one")
    }
  }
}
