import Foundation
import Testing
import ZooImaging

@Suite("Limits")
struct LimitTests {
  /// Would be 12.7 GB of pixels: more than a test machine gives, so that an allocation before the check would show.
  @Test(
    "are held against the header, before there is memory for pixels",
    arguments: ["broken/claims-65000x65000.jpg", "broken/claims-65000x65000.png"])
  func claim(name: String) throws {
    let file = try Fixture.data(name)
    let bySide = try #require(imagingError { try Image(decoding: file) })
    #expect(bySide.code == .limitExceeded)
    #expect(bySide.message.contains("65000×65000"))
    #expect(bySide.message.contains("maximumSide of 16384"))
    let byPixels = try #require(
      imagingError { try Image(decoding: file, limits: ImageLimits(maximumSide: 65535), scaledForMinimumSide: 1) })
    #expect(byPixels.code == .limitExceeded)
    #expect(byPixels.message.contains("maximumPixels of \(64 << 20)"))
  }

  @Test("of a JPEG over libjpeg's own maximum are a limit and no damage")
  func libraryMaximum() throws {
    var file = try Fixture.data("broken/claims-65000x65000.jpg")
    let frame = try #require(file.firstRange(of: Data([0xFF, 0xC0]))).lowerBound
    file.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xFF, 0xFF, 0xFF])
    let error = try #require(imagingError { try Image(decoding: file) })
    #expect(error.code == .limitExceeded)
    #expect(error.message.contains("65500"))
  }

  @Test("of a PNG of 2³¹−1 pixels a side are a limit")
  func hugePNG() throws {
    let file = PNGFile(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF, chunks: [("IDAT", [0])]).data
    let error = try #require(imagingError { try Image(decoding: file) })
    #expect(error.code == .limitExceeded)
  }

  @Test("let through what just fits and refuse one less", arguments: ["jpeg/baseline-444.jpg", "png/rgb.png"])
  func boundaries(name: String) throws {
    let file = try Fixture.data(name)
    let picture = try Image(decoding: file)
    let (side, count) = (max(picture.width, picture.height), picture.width * picture.height)
    let exact = ImageLimits(maximumBytes: file.count, maximumPixels: count, maximumSide: side)
    #expect(try Image(decoding: file, limits: exact) == picture)
    for (path, name) in [
      (\ImageLimits.maximumBytes, "maximumBytes"), (\.maximumPixels, "maximumPixels"), (\.maximumSide, "maximumSide"),
    ] {
      var limits = exact
      limits[keyPath: path] -= 1
      let error = try #require(imagingError { try Image(decoding: file, limits: limits) })
      #expect(error.code == .limitExceeded)
      #expect(error.message.contains("\(name) of \(limits[keyPath: path])"))
    }
  }

  @Test("are held against a JPEG's own size and not that at which it is decoded")
  func scaled() throws {
    let file = try Fixture.data("more/wide-420.jpg")
    let error = try #require(
      imagingError { try Image(decoding: file, limits: ImageLimits(maximumSide: 100), scaledForMinimumSide: 10) })
    #expect(error.code == .limitExceeded)
  }
}
