import Foundation

/// Writes PNG files, right and wrong, byte by byte (W3C PNG specification, sections 5 and 10).
struct PNGFile {
  var width: UInt32
  var height: UInt32
  var depth: UInt8 = 8
  var colourType: UInt8 = 2
  var chunks: [(name: String, content: [UInt8])]

  /// A picture of RGB pixels that are all `value`, between chunks of other names.
  static func plain(
    width: Int, height: Int, value: UInt8, before: [(name: String, content: [UInt8])] = [],
    after: [(name: String, content: [UInt8])] = []
  ) -> PNGFile {
    let row = [0] + [UInt8](repeating: value, count: width * 3)
    let rows = (0..<height).flatMap { _ in row }
    return PNGFile(
      width: UInt32(width), height: UInt32(height), chunks: before + [("IDAT", stored(rows))] + after)
  }

  var data: Data {
    let header = Self.bytes(width) + Self.bytes(height) + [depth, colourType, 0, 0, 0]
    return Data(
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
        + chunks.flatMap { Self.chunk($0.name, $0.content) } + Self.chunk("IEND", []))
  }

  static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let checked = Array(name.utf8) + content
    return bytes(UInt32(content.count)) + checked + bytes(checksum(checked))
  }

  /// A zlib stream of stored blocks (RFC 1950, RFC 1951).
  static func stored(_ content: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    var rest = content[...]
    repeat {
      let block = rest.prefix(65535)
      rest = rest.dropFirst(65535)
      let length = UInt16(block.count)
      stream += [
        rest.isEmpty ? 1 : 0, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF), UInt8(~length >> 8),
      ]
      stream += block
    } while !rest.isEmpty
    var (first, second) = (UInt32(1), UInt32(0))
    for byte in content {
      first = (first + UInt32(byte)) % 65521
      second = (second + first) % 65521
    }
    return stream + bytes(second << 16 | first)
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private static func checksum(_ content: [UInt8]) -> UInt32 {
    ~content.reduce(UInt32.max) { checksum, byte in
      (0..<8).reduce(checksum ^ UInt32(byte)) { rest, _ in (rest >> 1) ^ (rest & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }
}
