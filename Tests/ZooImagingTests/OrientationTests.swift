import Foundation
import Testing
import ZooImaging

@Suite("EXIF orientation")
struct OrientationTests {
  /// Puts an EXIF segment behind a JPEG's start marker.
  private func file(exif tiff: [UInt8]) throws -> Data {
    var file = try Fixture.data("jpeg/baseline-444.jpg")
    let segment = Data("Exif\0\0".utf8) + tiff
    let length = segment.count + 2
    file.insert(contentsOf: Data([0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 0xFF)]) + segment, at: 2)
    return file
  }

  private func tiff(
    isLittleEndian: Bool, tag: UInt16 = 0x0112, type: UInt16 = 3, value: UInt16, entries: UInt16 = 2,
    directory: UInt32 = 8
  ) -> [UInt8] {
    func short(_ value: UInt16) -> [UInt8] {
      let bytes = [UInt8(value >> 8), UInt8(value & 0xFF)]
      return isLittleEndian ? bytes.reversed() : bytes
    }
    func long(_ value: UInt32) -> [UInt8] {
      let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
      return isLittleEndian ? bytes.reversed() : bytes
    }
    let order: [UInt8] = isLittleEndian ? [0x49, 0x49] : [0x4D, 0x4D]
    let width = short(0x0100) + short(3) + long(1) + short(97) + short(0)
    let orientation = short(tag) + short(type) + long(1) + short(value) + short(0)
    return order + short(42) + long(directory) + short(entries) + width + orientation + long(0)
  }

  private func isUpright(_ tiff: [UInt8]) throws -> Bool {
    try Image(decoding: file(exif: tiff)) == Fixture.image("jpeg/baseline-444.jpg")
  }

  @Test("is read in both byte orders", arguments: [true, false], 1...8 as ClosedRange<UInt16>)
  func bothByteOrders(isLittleEndian: Bool, value: UInt16) throws {
    let stored = try Fixture.image("jpeg/baseline-444.jpg")
    let picture = try Image(decoding: file(exif: tiff(isLittleEndian: isLittleEndian, value: value)))
    let (last, bottom) = (stored.width - 1, stored.height - 1)
    // By the table of CIPA DC-008: which stored corner is seen at the upper left, and which at the upper right.
    typealias Place = (x: Int, y: Int)
    let a: Place = (0, 0)
    let b: Place = (last, 0)
    let c: Place = (0, bottom)
    let d: Place = (last, bottom)
    let corners: [(left: Place, right: Place)] = [(a, b), (b, a), (d, c), (c, d), (a, c), (c, a), (d, b), (b, d)]
    let (left, right) = corners[Int(value) - 1]
    #expect((picture.width, picture.height) == (value < 5 ? (97, 61) : (61, 97)))
    #expect(picture[0, 0] == stored[left.x, left.y])
    #expect(picture[picture.width - 1, 0] == stored[right.x, right.y])
    #expect(picture.pixels.sorted() == stored.pixels.sorted())
  }

  @Test("of a value that means nothing is no orientation", arguments: [0, 9, 255, 0xFFFF] as [UInt16])
  func meaningless(value: UInt16) throws {
    #expect(try isUpright(tiff(isLittleEndian: true, value: value)))
  }

  @Test("of another type than SHORT is no orientation")
  func otherType() throws {
    #expect(try isUpright(tiff(isLittleEndian: true, type: 2, value: 6)))
  }

  @Test("of a block cut at any byte is read whole or not at all")
  func truncated() throws {
    let block = tiff(isLittleEndian: false, value: 3)
    let turned = try Image(decoding: file(exif: block))
    // The value ends 6 bytes before the block: 2 of padding, 4 of the next directory's offset.
    for count in 0...block.count {
      let picture = try Image(decoding: file(exif: Array(block.prefix(count))))
      #expect(try picture == (count >= block.count - 6 ? turned : Fixture.image("jpeg/baseline-444.jpg")))
    }
  }

  @Test("of a block whose offsets and counts lead outside is no orientation")
  func lyingOffsets() throws {
    #expect(try isUpright(tiff(isLittleEndian: true, value: 6, directory: .max)))
    #expect(try isUpright(tiff(isLittleEndian: true, tag: 0x0113, value: 6, entries: .max)))
    #expect(try isUpright(tiff(isLittleEndian: false, value: 6, directory: 0x8000_0000)))
    #expect(try isUpright([0x49, 0x4D] + tiff(isLittleEndian: true, value: 6).dropFirst(2)))
  }

  @Test("turns a picture that is decoded at a fraction, too")
  func scaled() throws {
    var file = try Fixture.data("more/wide-420.jpg")
    let segment = Data("Exif\0\0".utf8) + tiff(isLittleEndian: true, value: 6)
    file.insert(contentsOf: Data([0xFF, 0xE1, 0, UInt8(segment.count + 2)]) + segment, at: 2)
    let picture = try Image(decoding: file, scaledForMinimumSide: 100)
    #expect((picture.width, picture.height) == (200, 320))
  }
}
