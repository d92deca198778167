import CZooImaging
public import Foundation

extension Image {
  /// The picture as a baseline JPEG: chroma 4:2:0 below quality 95, 4:4:4 from there on.
  ///
  /// - Parameter quality: 1 to 100, as libjpeg counts it.
  public func jpeg(quality: Int = 90) throws(ImagingError) -> Data {
    guard 1...100 ~= quality else {
      throw ImagingError(.invalidParameter, "the quality is \(quality): give 1 to 100")
    }
    return try encoded("JPEG") { pixels, size, file, count, message in
      zoo_jpeg_encode(pixels, size, Int32(quality), file, count, message)
    }
  }

  /// The picture as an 8-bit RGB PNG.
  public func png() throws(ImagingError) -> Data {
    try encoded("PNG") { pixels, size, file, count, message in
      zoo_png_encode(pixels, size, file, count, message)
    }
  }

  private func encoded(
    _ format: String,
    _ encode: (
      UnsafePointer<UInt8>?, zoo_picture_size, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>,
      UnsafeMutablePointer<Int>, UnsafeMutablePointer<CChar>
    ) -> zoo_imaging_status
  ) throws(ImagingError) -> Data {
    var file: UnsafeMutablePointer<UInt8>?
    var count = 0
    try ImagingError.check("the \(format) cannot be written") { message in
      pixels.withUnsafeBufferPointer { pixels in
        let size = zoo_picture_size(width: UInt32(width), height: UInt32(height))
        return encode(pixels.baseAddress, size, &file, &count, message)
      }
    }
    guard let file else { throw ImagingError(.internalFailure, "the \(format) cannot be written: it is empty") }
    return Data(
      bytesNoCopy: file, count: count,
      deallocator: .custom { pointer, _ in zoo_imaging_free(pointer.assumingMemoryBound(to: UInt8.self)) })
  }
}
