import Foundation
import ZooImaging

extension Image {
  /// The largest difference of two values; nil for pictures of different sizes.
  func largestDifference(from other: Image) -> Int? {
    guard (width, height) == (other.width, other.height) else { return nil }
    return zip(pixels, other.pixels).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
  }

  /// The peak signal-to-noise ratio in decibels; of pictures of the same size.
  func peakSignalToNoise(against other: Image) -> Double {
    let squares = zip(pixels, other.pixels).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    return 10 * log10(255 * 255 / (squares / Double(pixels.count)))
  }

  /// A picture whose every pixel says where it is: red its column, green its row.
  static func coordinates(width: Int, height: Int) throws -> Image {
    let pixels = (0..<height).flatMap { y in (0..<width).flatMap { x in [UInt8(x), UInt8(y), UInt8(x ^ y)] } }
    return try Image(width: width, height: height, pixels: pixels)
  }

  subscript(x: Int, y: Int) -> [UInt8] { Array(pixels[(y * width + x) * 3..<(y * width + x) * 3 + 3]) }
}

/// What decoding answers: the picture, or why there is none.
func decoding(_ file: Data, limits: ImageLimits = ImageLimits()) -> Result<Image, ImagingError> {
  do throws(ImagingError) {
    return .success(try Image(decoding: file, limits: limits))
  } catch {
    return .failure(error)
  }
}

/// What `body` throws; nil where it does not.
func imagingError<Value>(_ body: () throws -> Value) -> ImagingError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? ImagingError
  }
}
