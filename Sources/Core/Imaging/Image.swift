/// A picture of 8-bit RGB pixels.
///
/// Copying one copies a reference; every change makes a new picture.
public struct Image: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// Row by row from the top, red, green and blue of each pixel: `width · height · 3` bytes.
  public let pixels: [UInt8]

  /// - Throws: ``ImagingError`` for an empty or huge size, and where `pixels` has another length than the size says.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(ImagingError) {
    try ImageLimits.made.check(width: width, height: height)
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

  /// A picture whose pixels `fill` writes, every one of them. The size is right by construction.
  init<Failure: Error>(
    trustedWidth width: Int, height: Int,
    fill: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var failure: Failure?
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      guard let base = target.baseAddress else { return }
      do throws(Failure) {
        try fill(base)
        count = width * height * 3
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    self.init(trustedWidth: width, height: height, pixels: pixels)
  }
}
