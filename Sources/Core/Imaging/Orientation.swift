/// How a camera was held: the EXIF tag 0x0112 (CIPA DC-008, 4.6.5.1). The names say what must be done to see the picture
/// upright.
enum Orientation: UInt16 {
  case upright = 1
  case flipHorizontally = 2
  case turnHalf = 3
  case flipVertically = 4
  case transpose = 5
  case turnRight = 6
  case transverse = 7
  case turnLeft = 8

  /// Reads the tag out of the first directory of an EXIF block; upright where there is none, or none that makes sense:
  /// a damaged block is no reason to refuse a picture.
  ///
  /// - Parameter exif: a TIFF file: byte order, 42, the offset of the first directory.
  init(exif: ArraySlice<UInt8>) {
    self = Tiff(exif).flatMap { $0.value(ofTag: 0x0112) }.flatMap(Orientation.init) ?? .upright
  }
}

/// The little of TIFF 6.0 that a tag's value needs. Every read is checked against the block's end.
private struct Tiff {
  private let bytes: ArraySlice<UInt8>
  private let isLittleEndian: Bool

  init?(_ bytes: ArraySlice<UInt8>) {
    switch bytes.prefix(2) {
    case [0x49, 0x49]: isLittleEndian = true
    case [0x4D, 0x4D]: isLittleEndian = false
    default: return nil
    }
    self.bytes = bytes
    guard short(at: 2) == 42 else { return nil }
  }

  /// The first value of a tag of type SHORT, in the first directory.
  func value(ofTag wanted: UInt16) -> UInt16? {
    guard let directory = long(at: 4), let count = short(at: directory) else { return nil }
    for index in 0..<Int(count) {
      let entry = directory + 2 + index * 12
      guard let tag = short(at: entry) else { return nil }
      if tag == wanted { return short(at: entry + 2) == 3 ? short(at: entry + 8) : nil }
    }
    return nil
  }

  private func short(at offset: Int) -> UInt16? {
    guard offset + 2 <= bytes.count else { return nil }
    let (first, second) = (UInt16(bytes[bytes.startIndex + offset]), UInt16(bytes[bytes.startIndex + offset + 1]))
    return isLittleEndian ? second << 8 | first : first << 8 | second
  }

  private func long(at offset: Int) -> Int? {
    guard let first = short(at: offset), let second = short(at: offset + 2) else { return nil }
    return isLittleEndian ? Int(second) << 16 | Int(first) : Int(first) << 16 | Int(second)
  }
}
