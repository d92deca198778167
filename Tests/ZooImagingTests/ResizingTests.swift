import Foundation
import Testing
import ZooImaging

@Suite("Resizing")
struct ResizingTests {
  @Test("agrees with Pillow within one level", arguments: Fixture.resizes)
  func pillow(_ fixture: Fixture.Resize) throws {
    let filter: ResizeFilter = fixture.filter == "bicubic" ? .bicubic : .bilinear
    let picture = try Fixture.image(fixture.source).resized(
      width: fixture.width, height: fixture.height, filter: filter)
    let difference = try #require(picture.largestDifference(from: Fixture.image(fixture.expected)))
    #expect(difference <= 1)
  }

  @Test(
    "the middle of a scaled picture is that of the whole",
    arguments: [ResizeFilter.bilinear, .bicubic],
    [
      (97, 61, 256, 224, 224), (61, 97, 256, 224, 224), (97, 61, 30, 30, 29), (97, 61, 30, 47, 30), (61, 61, 61, 60, 7),
      // The height first.
      (40, 331, 37, 30, 200), (40, 331, 20, 19, 51), (41, 332, 7, 7, 1),
      // As it is.
      (331, 40, 40, 30, 37), (331, 40, 40, 331, 40),
    ])
  func middle(filter: ResizeFilter, sizes: (Int, Int, Int, Int, Int)) throws {
    let (width, height, side, newWidth, newHeight) = sizes
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7 &+ 31 * $0) }
    let picture = try Image(width: width, height: height, pixels: pixels)
    let whole = try picture.resized(shortSide: side, filter: filter).centerCropped(width: newWidth, height: newHeight)
    let middle = try picture.resized(shortSide: side, filter: filter, centerCroppedTo: (newWidth, newHeight))
    #expect((middle.width, middle.height) == (newWidth, newHeight))
    #expect(middle == whole)
    #expect(throws: ImagingError.self) {
      _ = try picture.resized(shortSide: side, filter: filter, centerCroppedTo: (1, 100_000))
    }
  }

  @Test("keeps a picture of one colour, however large the ratio", arguments: [ResizeFilter.bilinear, .bicubic])
  func constant(filter: ResizeFilter) throws {
    let pixels = [UInt8](repeating: 201, count: 4001 * 3 * 3)
    let picture = try Image(width: 4001, height: 3, pixels: pixels)
    for (width, height) in [(1, 1), (1, 500), (7, 3), (4001, 1), (2, 777), (5000, 3)] {
      let resized = try picture.resized(width: width, height: height, filter: filter)
      #expect((resized.width, resized.height) == (width, height))
      #expect(resized.pixels.allSatisfy { $0 == 201 })
    }
  }

  @Test("makes one pixel into many of the same", arguments: [ResizeFilter.bilinear, .bicubic])
  func onePixel(filter: ResizeFilter) throws {
    let resized = try Image(width: 1, height: 1, pixels: [10, 20, 30]).resized(width: 9, height: 5, filter: filter)
    #expect(resized.pixels == (0..<45).flatMap { _ in [10, 20, 30] as [UInt8] })
  }

  @Test("does not let black and white run over", arguments: [(9, 7), (200, 100)])
  func clamped(width: Int, height: Int) throws {
    let board = (0..<32 * 32).flatMap { index in
      [UInt8](repeating: (index / 8 + index / 256) % 2 == 0 ? 0 : 255, count: 3)
    }
    let resized = try Image(width: 32, height: 32, pixels: board).resized(
      width: width, height: height, filter: .bicubic)
    let mirrored = try Image(width: 32, height: 32, pixels: board.map { 255 - $0 })
      .resized(width: width, height: height, filter: .bicubic)
    // A sum that wrapped around would be dark in one and dark in the other; a clamped one is not.
    #expect(zip(resized.pixels, mirrored.pixels).allSatisfy { abs(Int($0) + Int($1) - 255) <= 1 })
  }

  @Test("to the size that a picture has gives the picture")
  func same() throws {
    let picture = try Fixture.image("sources/coffee.png")
    #expect(try picture.resized(width: 97, height: 61, filter: .bicubic) == picture)
    #expect(try picture.resized(shortSide: 61, filter: .bicubic) == picture)
  }

  @Test(
    "by the short side scales the long one with it, rounded to nearest",
    arguments: [
      (97, 61, 30, 48, 30), (61, 97, 30, 30, 48), (97, 61, 256, 407, 256), (10, 10, 7, 7, 7), (3, 2, 1, 2, 1),
      (4000, 1, 2, 8000, 2),
    ])
  func shortSide(width: Int, height: Int, side: Int, newWidth: Int, newHeight: Int) throws {
    let picture = try Image(width: width, height: height, pixels: [UInt8](repeating: 5, count: width * height * 3))
    let resized = try picture.resized(shortSide: side, filter: .bilinear)
    #expect((resized.width, resized.height) == (newWidth, newHeight))
  }

  @Test("to nothing is an error", arguments: [(0, 5), (5, 0), (-3, 5), (Int.min, Int.min)])
  func empty(width: Int, height: Int) throws {
    let picture = try Fixture.image("sources/coffee.png")
    #expect(
      imagingError { try picture.resized(width: width, height: height, filter: .bilinear) }?.code == .invalidParameter)
  }

  /// 60000 × 60000 pixels between the passes would be 10.8 GB.
  @Test("of a column to a row takes the short way")
  func columnToRow() throws {
    let column = try Image(width: 1, height: 60000, pixels: [UInt8](repeating: 9, count: 180_000))
    let row = try column.resized(width: 60000, height: 1, filter: .bicubic)
    #expect(row.pixels == column.pixels)
    #expect(try row.resized(width: 1, height: 60000, filter: .bicubic) == column)
  }

  @Test("to more than memory holds is an error")
  func huge() throws {
    let column = try Image(width: 1, height: 60000, pixels: [UInt8](repeating: 0, count: 180_000))
    for (width, height) in [(Int.max, Int.max), (65535, 65535), (70000, 1), (1, 70000)] {
      #expect(
        imagingError { try column.resized(width: width, height: height, filter: .bilinear) }?.code == .limitExceeded)
    }
    #expect(imagingError { try column.resized(shortSide: 30000, filter: .bilinear) }?.code == .limitExceeded)
    for side in [Int.max, Int.min, 0, 65536] {
      #expect(imagingError { try column.resized(shortSide: side, filter: .bilinear) }?.code == .invalidParameter)
    }
  }
}
