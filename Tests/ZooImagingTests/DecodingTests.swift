import Foundation
import Testing
import ZooImaging

@Suite("Decoding agrees with Pillow")
struct DecodingTests {
  @Test("within one level for JPEG, exactly for PNG", arguments: Fixture.decodes)
  func fixtures(_ fixture: Fixture.Decode) throws {
    let picture = try Fixture.image(fixture.file)
    let difference = try #require(picture.largestDifference(from: Fixture.image(fixture.expected)))
    #expect(difference <= (fixture.exact ? 0 : 1))
  }

  @Test("within one level for RGB, YCCK and unmarked CMYK", arguments: Fixture.colourSpaces)
  func colourSpaces(_ fixture: Fixture.ScaledDecode) throws {
    let picture = try Fixture.image(fixture.file)
    let difference = try #require(picture.largestDifference(from: Fixture.image(fixture.expected)))
    #expect(difference <= 1)
  }

  @Test("within one level at a fraction of the size", arguments: Fixture.scaledDecodes)
  func scaled(_ fixture: Fixture.ScaledDecode) throws {
    let expected = try Fixture.image(fixture.expected)
    // The largest side for which this fraction still has twice as many pixels.
    let picture = try Image(
      decoding: Fixture.data(fixture.file), scaledForMinimumSide: min(expected.width, expected.height) / 2)
    let difference = try #require(picture.largestDifference(from: expected))
    #expect(difference <= 1)
  }

  @Test(
    "A picture is decoded at a fraction only while its short side keeps twice what is asked for",
    arguments: [
      (nil, 400), (25, 50), (26, 100), (50, 100), (51, 200), (100, 200), (101, 400), (400, 400), (Int.max, 400),
      (1, 50),
      (0, 50), (Int.min, 50),
    ] as [(Int?, Int)])
  func fraction(minimumSide: Int?, height: Int) throws {
    let picture = try Image(decoding: Fixture.data("more/wide-420.jpg"), scaledForMinimumSide: minimumSide)
    #expect(picture.height == height)
    #expect(picture.width == height * 8 / 5)
  }

  @Test("A PNG has no fractions and stays as it is")
  func scaledPNG() throws {
    let picture = try Image(decoding: Fixture.data("png/rgb.png"), scaledForMinimumSide: 1)
    #expect((picture.width, picture.height) == (33, 21))
  }

  @Test("A slice of data, whose indices do not start at 0, is read like the whole")
  func slice() throws {
    for name in ["jpeg/baseline-420.jpg", "png/rgb.png"] {
      let file = try Fixture.data(name)
      let framed = Data([1, 2, 3]) + file + Data([4])
      #expect(try Image(decoding: framed[3..<3 + file.count]) == Image(decoding: file))
    }
  }

  @Test("The format is told by the content")
  func format() throws {
    #expect(try Image.Format(Fixture.data("jpeg/grey.jpg")) == .jpeg)
    #expect(try Image.Format(Fixture.data("png/grey.png")) == .png)
    #expect(Image.Format(Data("GIF89a".utf8)) == nil)
    #expect(Image.Format(Data()) == nil)
  }

  @Test("Bytes of another format are refused with what they are and what is read instead")
  func unknownFormat() throws {
    let gif = try #require(imagingError { try Image(decoding: Data("GIF89a\u{1}".utf8)) })
    #expect(gif.code == .unknownFormat)
    #expect(gif.message.contains("47 49 46 38 39 61 01"))
    #expect(gif.message.contains("neither JPEG nor PNG"))
    let empty = try #require(imagingError { try Image(decoding: Data()) })
    #expect(empty.code == .unknownFormat)
    #expect(empty.message.contains("empty"))
  }

  @Test("Garbage between segments and after the picture is tolerated")
  func extraneousBytes() throws {
    let file = try Fixture.data("jpeg/baseline-444.jpg")
    let whole = try Image(decoding: file)
    #expect(try Image(decoding: file + Data([0, 1, 2, 0xFF])) == whole)
    let table = try #require(file.firstRange(of: Data([0xFF, 0xDB])))
    var stuffed = file
    stuffed.insert(contentsOf: [0x55, 0xAA, 0x55], at: table.lowerBound)
    #expect(try Image(decoding: stuffed) == whole)
    let png = try Fixture.data("png/rgb.png")
    #expect(try Image(decoding: png + Data([9, 9, 9])) == Image(decoding: png))
  }
}
