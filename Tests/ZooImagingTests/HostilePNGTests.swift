import Foundation
import Testing
import ZooImaging

@Suite("PNG files that lie or ask for too much")
struct HostilePNGTests {
  @Test("The files that these tests build are right")
  func builder() throws {
    let picture = try Image(decoding: PNGFile.plain(width: 5, height: 4, value: 200).data)
    #expect(picture == (try Image(width: 5, height: 4, pixels: [UInt8](repeating: 200, count: 60))))
  }

  /// libpng would keep a thousand of them, each unpacked to megabytes. The streams here are no zlib streams: to unpack
  /// one would be an error.
  @Test("Compressed texts and profiles are skipped without being unpacked, however many")
  func compressedChunks() throws {
    let text = Array("Comment\0\0".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]
    let profile = Array("icc\0\0".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]
    let many = (0..<3000).map { _ in (name: "zTXt", content: text) }
    let file = PNGFile.plain(width: 5, height: 4, value: 9, before: [("iCCP", profile)] + many, after: many).data
    #expect(try Image(decoding: file).pixels == [UInt8](repeating: 9, count: 60))
  }

  @Test("A wrong checksum is an error in a chunk that is skipped, too", arguments: ["zTXt", "vpAg"])
  func checksum(name: String) throws {
    let right = PNGFile.plain(width: 5, height: 4, value: 9, before: [(name, Array("Comment\0\0abc".utf8))]).data
    #expect(imagingError { try Image(decoding: right) } == nil)
    var wrong = right
    let place = try #require(wrong.firstRange(of: Data("Comment".utf8))).lowerBound
    wrong[place] ^= 1
    let error = try #require(imagingError { try Image(decoding: wrong) })
    #expect(error.code == .malformed)
    #expect(error.message.contains("CRC error"))
  }

  @Test("A chunk that claims to be longer than the file is refused", arguments: ["zTXt", "IDAT", "PLTE", "tRNS"])
  func lyingLength(name: String) throws {
    var file = PNGFile.plain(width: 5, height: 4, value: 9, before: name == "IDAT" ? [] : [(name, [1, 2, 3])]).data
    let place = try #require(file.firstRange(of: Data(name.utf8))).lowerBound
    file.replaceSubrange(place - 4..<place, with: [0x7F, 0xFF, 0xFF, 0xFF])
    let error = try #require(imagingError { try Image(decoding: file) })
    #expect(error.code == .malformed)
  }

  @Test("Fewer rows than the header says are an error, and more than it says are not read")
  func rowCount() throws {
    var file = PNGFile.plain(width: 5, height: 4, value: 9)
    file.height = 5
    let error = try #require(imagingError { try Image(decoding: file.data) })
    #expect(error.code == .malformed)
    file.height = 3
    if case .success(let picture) = decoding(file.data) { #expect((picture.width, picture.height) == (5, 3)) }
  }

  @Test("A header of no pixels is an error", arguments: [(0, 4), (5, 0), (0, 0)] as [(UInt32, UInt32)])
  func empty(width: UInt32, height: UInt32) throws {
    var file = PNGFile.plain(width: 5, height: 4, value: 9)
    (file.width, file.height) = (width, height)
    let error = try #require(imagingError { try Image(decoding: file.data) })
    #expect(error.code == .malformed)
  }

  @Test("A kind that does not exist is an error", arguments: [(8, 5), (3, 2), (16, 3), (2, 6)] as [(UInt8, UInt8)])
  func kind(depth: UInt8, colourType: UInt8) throws {
    var file = PNGFile.plain(width: 5, height: 4, value: 9)
    (file.depth, file.colourType) = (depth, colourType)
    let error = try #require(imagingError { try Image(decoding: file.data) })
    #expect(error.code == .malformed)
  }

  @Test("A palette picture without a palette is an error")
  func missingPalette() throws {
    let file = PNGFile(width: 1, height: 1, colourType: 3, chunks: [("IDAT", PNGFile.stored([0, 0]))])
    let error = try #require(imagingError { try Image(decoding: file.data) })
    #expect(error.code == .malformed)
  }
}
