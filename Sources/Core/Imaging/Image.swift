/// A picture of 8-bit RGB pixels.
public struct Image: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// Row by row from the top, red, green and blue of each pixel: `width · height · 3` bytes.
  public let pixels: [UInt8]

  /// - Throws: ``ImagingError`` where `pixels` has another length than the size says.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(ImagingError) {
    try ImageLimits(pixels: .max, side: .max).check(width: width, height: height)
    guard pixels.count == width * height * 3 else {
      throw ImagingError(
        .invalidParameter, "\(width)×\(height) pixels have \(width * height * 3) bytes and \(pixels.count) were given")
    }
    self.init(trustedWidth: width, height: height, pixels: pixels)
  }

  /// For sizes that are right by construction.
  init(trustedWidth width: Int, height: Int, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
