import CZooImaging
public import Foundation

extension Image {
  /// Decodes a JPEG or a PNG, by what the bytes are.
  ///
  /// - JPEG: baseline, progressive and arithmetic; grey, YCbCr, RGB, and CMYK and YCCK, which are taken to be inverted as
  ///   Adobe writes them. It is turned upright as its EXIF orientation says. Warnings of the decoder about lost data are
  ///   errors; those about bytes between segments, unknown versions and profiles are not.
  /// - PNG: every colour type and depth, interlaced or not. An alpha channel is dropped, not blended; 16 bits become
  ///   their upper 8; gamma and profiles are ignored. All of this is what Pillow's `convert("RGB")` does, but for 16-bit
  ///   grey, which Pillow clips to white.
  ///
  /// - Parameters:
  ///   - limits: held against the file's length and header before anything is allocated for the pixels.
  ///   - minimumSide: where the picture will be scaled down to about this short side. A JPEG is then decoded at 1/2, 1/4
  ///     or 1/8 of its size as long as the short side keeps at least twice this, so that the resize that follows
  ///     still decides how it looks. Nil for the full size.
  /// - Throws: ``ImagingError``; a picture that is cut short is an error and not half a picture.
  public init(
    decoding file: Data, limits: ImageLimits = ImageLimits(), scaledForMinimumSide minimumSide: Int? = nil
  ) throws(ImagingError) {
    try limits.check(bytes: file.count)
    switch Format(file) {
    case .jpeg: try self.init(jpeg: file, limits: limits, minimumSide: minimumSide)
    case .png: try self.init(png: file, limits: limits)
    case nil:
      guard !file.isEmpty else { throw ImagingError(.unknownFormat, "the picture is empty: send a JPEG or PNG file") }
      let start = file.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
      throw ImagingError(
        .unknownFormat, "the picture starts with the bytes \(start), which is neither JPEG nor PNG: send one of those")
    }
  }

  private init(jpeg file: Data, limits: ImageLimits, minimumSide: Int?) throws(ImagingError) {
    var size = zoo_picture_size()
    var exifCount = 0
    // A JPEG segment is shorter than this.
    var exif = [UInt8](repeating: 0, count: 1 << 16)
    try exif.withUnsafeMutableBufferPointer { exif throws(ImagingError) in
      try Self.read("JPEG", file) { bytes, message in
        zoo_jpeg_header(bytes.baseAddress, bytes.count, &size, exif.baseAddress, exif.count, &exifCount, message)
      }
    }
    try limits.check(width: Int(size.width), height: Int(size.height))
    let eighths = Self.eighths(for: size, minimumSide: minimumSide)
    let scaled = zoo_jpeg_scaled_size(size, eighths)
    let picture = try Image(
      trustedWidth: Int(scaled.width), height: Int(scaled.height)
    ) { pixels throws(ImagingError) in
      try Self.read("JPEG", file) { bytes, message in
        zoo_jpeg_decode(bytes.baseAddress, bytes.count, eighths, scaled, pixels, message)
      }
    }
    self = picture.upright(from: Orientation(exif: exif[..<exifCount]))
  }

  private init(png file: Data, limits: ImageLimits) throws(ImagingError) {
    var size = zoo_picture_size()
    try Self.read("PNG", file) { bytes, message in
      zoo_png_header(bytes.baseAddress, bytes.count, &size, message)
    }
    try limits.check(width: Int(size.width), height: Int(size.height))
    try self.init(trustedWidth: Int(size.width), height: Int(size.height)) { pixels throws(ImagingError) in
      try Self.read("PNG", file) { bytes, message in
        zoo_png_decode(bytes.baseAddress, bytes.count, size, pixels, message)
      }
    }
  }

  /// In how many eighths of its size to decode a JPEG. Powers of two, for which libjpeg-turbo has fast transforms.
  private static func eighths(for size: zoo_picture_size, minimumSide: Int?) -> UInt32 {
    guard let minimumSide else { return 8 }
    let short = Int(min(size.width, size.height))
    return [1, 2, 4].first { short * Int($0) / 16 >= minimumSide } ?? 8
  }

  private static func read(
    _ format: String, _ file: Data,
    _ body: (UnsafeBufferPointer<UInt8>, UnsafeMutablePointer<CChar>) -> zoo_imaging_status
  ) throws(ImagingError) {
    try ImagingError.check("the \(format) cannot be read") { message in
      file.withUnsafeBytes { body($0.bindMemory(to: UInt8.self), message) }
    }
  }
}
