import Foundation
import Testing
import ZooImaging
import ZooSeeded

@Suite("Encoding")
struct EncodingTests {
  @Test("PNG gives back every pixel", arguments: ["coffee", "astronaut", "chelsea"])
  func png(name: String) throws {
    let picture = try Fixture.image("sources/\(name).png")
    let file = try picture.png()
    #expect(Image.Format(file) == .png)
    #expect(try Image(decoding: file) == picture)
  }

  /// What libjpeg-turbo reaches on these photographs, less half a decibel for other versions.
  @Test(
    "JPEG comes closer with its quality",
    arguments: [("coffee", [26.5, 30.5, 42]), ("astronaut", [26, 29, 42]), ("chelsea", [27, 31, 42])])
  func jpeg(name: String, decibels: [Double]) throws {
    let picture = try Fixture.image("sources/\(name).png")
    for (quality, least) in zip([50, 90, 100], decibels) {
      let file = try picture.jpeg(quality: quality)
      #expect(Image.Format(file) == .jpeg)
      let ratio = try Image(decoding: file).peakSignalToNoise(against: picture)
      #expect(ratio > least, "quality \(quality): \(ratio) dB")
    }
  }

  @Test("JPEG halves its chroma below quality 95 and not from there on")
  func subsampling() throws {
    let picture = try Fixture.image("sources/coffee.png")
    func samplingOfLuma(_ file: Data) throws -> UInt8 {
      let frame = try #require(file.firstRange(of: Data([0xFF, 0xC0]))).lowerBound
      return file[frame + 11]
    }
    #expect(try samplingOfLuma(picture.jpeg(quality: 94)) == 0x22)
    #expect(try samplingOfLuma(picture.jpeg(quality: 95)) == 0x11)
  }

  @Test("One pixel, one row, one column and a noisy picture larger than any buffer come back")
  func sizes() throws {
    var generator = SeededGenerator(seed: 3)
    for (width, height) in [(1, 1), (1, 300), (300, 1), (257, 255)] {
      let noise = (0..<width * height * 3).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      let picture = try Image(width: width, height: height, pixels: noise)
      #expect(try Image(decoding: picture.png()) == picture)
      let read = try Image(decoding: picture.jpeg(quality: 100))
      #expect((read.width, read.height) == (width, height))
      #expect(read.peakSignalToNoise(against: picture) > 25)
    }
  }

  @Test("A quality outside 1 to 100 is an error that names it", arguments: [Int.min, -1, 0, 101, Int.max])
  func badQuality(quality: Int) throws {
    let picture = try Fixture.image("sources/coffee.png")
    let error = try #require(imagingError { try picture.jpeg(quality: quality) })
    #expect(error.code == .invalidParameter)
    #expect(error.message.contains("\(quality)"))
  }

  @Test("A picture larger than JPEG allows is an error, and a PNG can hold it")
  func tooWide() throws {
    let picture = try Image(width: 65501, height: 1, pixels: [UInt8](repeating: 7, count: 65501 * 3))
    let error = try #require(imagingError { try picture.jpeg() })
    #expect(error.code == .limitExceeded)
    #expect(error.message.contains("65500"))
    #expect(try Image(decoding: picture.png(), limits: ImageLimits(maximumSide: 65501)) == picture)
  }

  @Test("Pixels that do not fill the size are an error", arguments: [(2, 2, 11), (2, 2, 13), (0, 0, 0), (-1, -1, 3)])
  func wrongLength(width: Int, height: Int, count: Int) throws {
    let pixels = [UInt8](repeating: 0, count: count)
    #expect(imagingError { try Image(width: width, height: height, pixels: pixels) }?.code == .invalidParameter)
  }
}
