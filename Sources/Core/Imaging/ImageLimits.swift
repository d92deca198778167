/// How large a picture may be. Held against its header, before memory for its pixels is taken.
public struct ImageLimits: Sendable, Hashable {
  /// Of the encoded file.
  public var maximumBytes: Int
  /// Width times height, as the header says, also where a JPEG is then decoded at a fraction of its size.
  public var maximumPixels: Int
  /// Of the longer side, in pixels.
  public var maximumSide: Int

  public init(maximumBytes: Int = 64 << 20, maximumPixels: Int = 64 << 20, maximumSide: Int = 16384) {
    self.maximumBytes = maximumBytes
    self.maximumPixels = maximumPixels
    self.maximumSide = maximumSide
  }

  /// For pictures that are made here, whose sizes come from a configuration or a parameter.
  static let made = ImageLimits(maximumPixels: 256 << 20, maximumSide: 65535)

  func check(bytes count: Int) throws(ImagingError) {
    guard count <= maximumBytes else {
      throw ImagingError(
        .limitExceeded,
        "the picture's file has \(count) bytes, over the limit maximumBytes of \(maximumBytes): shrink it")
    }
  }

  /// - Parameter what: names what has the size, for the error's message.
  func check(_ what: String = "the picture", width: Int, height: Int) throws(ImagingError) {
    guard width > 0, height > 0 else {
      throw ImagingError(.invalidParameter, "\(what) has \(width)×\(height) pixels: it needs at least 1×1")
    }
    guard max(width, height) <= maximumSide else {
      throw ImagingError(
        .limitExceeded, "\(what) has \(width)×\(height) pixels, over the limit maximumSide of \(maximumSide): shrink it"
      )
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= maximumPixels else {
      throw ImagingError(
        .limitExceeded,
        "\(what) has \(width)×\(height) pixels, over the limit maximumPixels of \(maximumPixels): shrink it")
    }
  }
}
