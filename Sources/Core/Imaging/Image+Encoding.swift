public import Foundation
import CZooImaging

extension Image {
  /// The picture as a baseline JPEG with 4:2:0 chroma.
  ///
  /// - Parameter quality: 1 to 100, as libjpeg counts it.
  public func jpeg(quality: Int = 90) throws(ImagingError) -> Data {
    guard 1...100 ~= quality else {
      throw ImagingError(.invalidParameter, "the quality is \(quality): give 1 to 100")
    }
    guard width <= 65500, height <= 65500 else {
      throw ImagingError(.invalidParameter, "\(width)×\(height) is larger than a JPEG can be: at most 65500 on a side")
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
      UnsafePointer<UInt8>, zoo_picture_size, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>,
      UnsafeMutablePointer<Int>, UnsafeMutablePointer<CChar>
    ) -> zoo_imaging_status
  ) throws(ImagingError) -> Data {
    var message = [CChar](repeating: 0, count: Int(ZOO_IMAGING_MESSAGE_BYTES))
    var file: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = pixels.withUnsafeBufferPointer { pixels in
      guard let base = pixels.baseAddress else { return zoo_imaging_malformed }
      return encode(base, zoo_picture_size(width: UInt32(width), height: UInt32(height)), &file, &count, &message)
    }
    try ImagingError.check(status, "the \(format) cannot be written", message)
    guard let file else { throw ImagingError(.internalFailure, "the \(format) cannot be written: it is empty") }
    return Data(bytesNoCopy: file, count: count, deallocator: .custom { pointer, _ in
      zoo_imaging_free(pointer.assumingMemoryBound(to: UInt8.self))
    })
  }
}
