public import Foundation
import CZooImaging

extension Image {
  /// The format of an encoded picture, by its first bytes.
  public enum Format: Sendable, Hashable {
    case jpeg
    case png

    public init?(_ file: Data) {
      if file.starts(with: [0xFF, 0xD8, 0xFF]) {
        self = .jpeg
      } else if file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
        self = .png
      } else {
        return nil
      }
    }
  }

  /// Decodes a JPEG (baseline or progressive; grey, colour, CMYK; turned upright as its EXIF orientation says) or a PNG
  /// (any kind; an alpha channel is dropped and 16 bits become their upper 8).
  ///
  /// - Parameters:
  ///   - minimumSide: where the picture will be scaled down, the smallest that its short side may become here: a JPEG is
  ///     then decoded at a fraction of its size, which is faster. Nil for the full size.
  /// - Throws: ``ImagingError``; a picture that is cut short is an error and not half a picture.
  public init(
    decoding file: Data, limits: ImageLimits = ImageLimits(), scaledForMinimumSide minimumSide: Int? = nil
  ) throws(ImagingError) {
    try limits.check(bytes: file.count)
    switch Format(file) {
    case .jpeg: try self.init(jpeg: file, limits: limits, minimumSide: minimumSide)
    case .png: try self.init(png: file, limits: limits)
    case nil:
      let start = file.prefix(8).map { String($0, radix: 16) }.joined(separator: " ")
      throw ImagingError(
        .unknownFormat,
        file.isEmpty
          ? "the picture is empty: send a JPEG or PNG file"
          : "the picture starts with the bytes \(start), which is neither JPEG nor PNG: send one of those")
    }
  }

  private init(jpeg file: Data, limits: ImageLimits, minimumSide: Int?) throws(ImagingError) {
    var size = zoo_picture_size()
    var exif = [UInt8](repeating: 0, count: 1 << 16)
    var exifCount = 0
    try Self.call("JPEG", file) { bytes, count, message in
      zoo_jpeg_header(bytes, count, &size, &exif, exif.count, &exifCount, message)
    }
    try limits.check(width: Int(size.width), height: Int(size.height))
    let eighths = Self.eighths(for: size, minimumSide: minimumSide)
    let scaled = zoo_jpeg_scaled_size(size, eighths)
    let picture = try Self.decoded("JPEG", file, scaled) { bytes, count, pixels, message in
      zoo_jpeg_decode(bytes, count, eighths, scaled, pixels, message)
    }
    self = picture.upright(from: Orientation(exif: exif[..<exifCount]))
  }

  private init(png file: Data, limits: ImageLimits) throws(ImagingError) {
    var size = zoo_picture_size()
    try Self.call("PNG", file) { bytes, count, message in zoo_png_header(bytes, count, &size, message) }
    try limits.check(width: Int(size.width), height: Int(size.height))
    self = try Self.decoded("PNG", file, size) { bytes, count, pixels, message in
      zoo_png_decode(bytes, count, size, pixels, message)
    }
  }

  /// The smallest fraction whose short side is still twice `minimumSide`, so that the resize that follows decides how
  /// the picture looks.
  private static func eighths(for size: zoo_picture_size, minimumSide: Int?) -> UInt32 {
    guard let minimumSide else { return 8 }
    let short = Int(min(size.width, size.height))
    for eighths in [1, 2, 4] where short * eighths / 8 >= minimumSide * 2 { return UInt32(eighths) }
    return 8
  }

  private static func decoded(
    _ format: String, _ file: Data, _ size: zoo_picture_size,
    _ decode: (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<CChar>) -> zoo_imaging_status
  ) throws(ImagingError) -> Image {
    let (width, height) = (Int(size.width), Int(size.height))
    var failure: ImagingError?
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      guard let base = target.baseAddress else { return }
      // A decoder that fails half-way must not leave memory of others in the array.
      base.initialize(repeating: 0, count: width * height * 3)
      do throws(ImagingError) {
        try call(format, file) { bytes, length, message in decode(bytes, length, base, message) }
      } catch {
        failure = error
      }
      count = width * height * 3
    }
    if let failure { throw failure }
    return Image(trustedWidth: width, height: height, pixels: pixels)
  }

  private static func call(
    _ format: String, _ file: Data,
    _ body: (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<CChar>) -> zoo_imaging_status
  ) throws(ImagingError) {
    var message = [CChar](repeating: 0, count: Int(ZOO_IMAGING_MESSAGE_BYTES))
    let status = file.withUnsafeBytes { bytes in
      guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return zoo_imaging_malformed }
      return body(base, bytes.count, &message)
    }
    try ImagingError.check(status, "the \(format) cannot be read", message)
  }
}

extension ImagingError {
  /// Throws what a C function reported.
  static func check(_ status: zoo_imaging_status, _ what: String, _ message: [CChar]) throws(ImagingError) {
    guard status != zoo_imaging_ok else { return }
    let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw ImagingError(
      status == zoo_imaging_out_of_memory ? .internalFailure : .malformed,
      "\(what): \(text.isEmpty ? "it is damaged" : text)")
  }
}
