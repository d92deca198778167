/// How a camera was held: the EXIF tag 0x0112 (CIPA DC-008, 4.6.5.1).
enum Orientation: UInt16 {
  case upright = 1
  case mirrored = 2
  case upsideDown = 3
  case mirroredUpsideDown = 4
  case transposed = 5
  case turnedLeft = 6
  case transversed = 7
  case turnedRight = 8

  /// Reads the tag out of an EXIF block; upright where there is none, or none that makes sense.
  ///
  /// - Parameter exif: a TIFF file: byte order, 42, the offset of the first directory.
  init(exif: ArraySlice<UInt8>) {
    let bytes = Array(exif)
    self = Self.tag(in: bytes) ?? .upright
  }

  private static func tag(in bytes: [UInt8]) -> Orientation? {
    guard bytes.count >= 8 else { return nil }
    let isLittleEndian: Bool
    switch (bytes[0], bytes[1]) {
    case (UInt8(ascii: "I"), UInt8(ascii: "I")): isLittleEndian = true
    case (UInt8(ascii: "M"), UInt8(ascii: "M")): isLittleEndian = false
    default: return nil
    }

    func short(_ offset: Int) -> UInt16? {
      guard offset >= 0, offset + 2 <= bytes.count else { return nil }
      let (first, second) = (UInt16(bytes[offset]), UInt16(bytes[offset + 1]))
      return isLittleEndian ? second << 8 | first : first << 8 | second
    }
    func long(_ offset: Int) -> Int? {
      guard let first = short(offset), let second = short(offset + 2) else { return nil }
      return isLittleEndian ? Int(second) << 16 | Int(first) : Int(first) << 16 | Int(second)
    }

    guard short(2) == 42, let directory = long(4), let entries = short(directory) else { return nil }
    for entry in 0..<Int(entries) {
      let start = directory + 2 + entry * 12
      guard let tag = short(start) else { return nil }
      if tag == 0x0112 { return short(start + 8).flatMap(Orientation.init) }
    }
    return nil
  }
}

extension Image {
  /// The picture as it should be seen, of one that was stored with this orientation.
  func upright(from orientation: Orientation) -> Image {
    let (last, bottom) = (width - 1, height - 1)
    return switch orientation {
    case .upright: self
    case .mirrored: rearranged(width, height) { x, y in (last - x, y) }
    case .upsideDown: rearranged(width, height) { x, y in (last - x, bottom - y) }
    case .mirroredUpsideDown: rearranged(width, height) { x, y in (x, bottom - y) }
    case .transposed: rearranged(height, width) { x, y in (y, x) }
    case .turnedLeft: rearranged(height, width) { x, y in (y, bottom - x) }
    case .transversed: rearranged(height, width) { x, y in (last - y, bottom - x) }
    case .turnedRight: rearranged(height, width) { x, y in (last - y, x) }
    }
  }

  /// A picture of another size whose pixels come from where `source` says.
  private func rearranged(
    _ newWidth: Int, _ newHeight: Int, from source: (_ x: Int, _ y: Int) -> (x: Int, y: Int)
  ) -> Image {
    let count = newWidth * newHeight * 3
    let rearranged = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      for y in 0..<newHeight {
        for x in 0..<newWidth {
          let from = source(x, y)
          for channel in 0..<3 {
            target[(y * newWidth + x) * 3 + channel] = pixels[(from.y * width + from.x) * 3 + channel]
          }
        }
      }
      initialized = count
    }
    return Image(trustedWidth: newWidth, height: newHeight, pixels: rearranged)
  }
}
