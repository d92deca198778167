import Testing
import ZooImaging

@Suite("Cropping and padding")
struct CroppingTests {
  @Test("A crop has the pixels of its rectangle")
  func crop() throws {
    let cropped = try Image.coordinates(width: 9, height: 7).cropped(x: 2, y: 3, width: 4, height: 2)
    #expect((cropped.width, cropped.height) == (4, 2))
    for y in 0..<2 {
      for x in 0..<4 { #expect(cropped[x, y] == [UInt8(x + 2), UInt8(y + 3), UInt8((x + 2) ^ (y + 3))]) }
    }
  }

  @Test(
    "A rectangle that is empty or reaches outside is an error",
    arguments: [
      [0, 0, 10, 7], [0, 0, 9, 8], [6, 0, 4, 2], [0, 6, 4, 2], [-1, 0, 4, 2], [0, -1, 4, 2], [0, 0, 0, 2],
      [0, 0, 4, -2],
      [Int.max, 0, 4, 2], [0, Int.max, 4, 2], [Int.max, 0, Int.max, 2],
    ])
  func outside(rectangle: [Int]) throws {
    let picture = try Image.coordinates(width: 9, height: 7)
    let error = try #require(
      imagingError {
        try picture.cropped(x: rectangle[0], y: rectangle[1], width: rectangle[2], height: rectangle[3])
      })
    #expect(error.code == .invalidParameter)
    #expect(error.message.contains("9×7"))
  }

  @Test("The middle of an odd margin has the smaller half at the top and left")
  func center() throws {
    let picture = try Image.coordinates(width: 9, height: 7)
    let cropped = try picture.centerCropped(width: 4, height: 4)
    #expect((cropped.width, cropped.height) == (4, 4))
    #expect(cropped[0, 0] == picture[2, 1])
    #expect(cropped[3, 3] == picture[5, 4])
    #expect(try picture.centerCropped(width: 9, height: 7) == picture)
    for (width, height) in [(10, 7), (9, 8), (0, 1), (1, -1)] {
      #expect(imagingError { try picture.centerCropped(width: width, height: height) }?.code == .invalidParameter)
    }
  }

  @Test("Reflected padding mirrors at the outermost pixels without repeating them")
  func reflect() throws {
    let picture = try Image.coordinates(width: 5, height: 6)
    let padded = try picture.padded(toMultipleOf: 4, .reflect)
    #expect((padded.width, padded.height) == (8, 8))
    #expect((0..<8).map { padded[$0, 0][0] } == [0, 1, 2, 3, 4, 3, 2, 1])
    #expect((0..<8).map { padded[0, $0][1] } == [0, 1, 2, 3, 4, 5, 4, 3])
    #expect(padded[7, 7] == picture[1, 3])
  }

  @Test("A picture smaller than its padding is mirrored again, and one pixel repeated")
  func reflectFar() throws {
    let padded = try Image.coordinates(width: 3, height: 1).padded(toMultipleOf: 10, .reflect)
    #expect((0..<10).map { padded[$0, 9][0] } == [0, 1, 2, 1, 0, 1, 2, 1, 0, 1])
  }

  @Test("Edge padding repeats the outermost pixels")
  func edge() throws {
    let picture = try Image.coordinates(width: 5, height: 3)
    let padded = try picture.padded(toMultipleOf: 4, .edge)
    #expect((0..<8).map { padded[$0, 0][0] } == [0, 1, 2, 3, 4, 4, 4, 4])
    #expect(padded[7, 3] == picture[4, 2])
  }

  @Test("A picture that fits is left as it is, and a multiple that makes no sense is an error")
  func multiples() throws {
    let picture = try Image.coordinates(width: 8, height: 4)
    #expect(try picture.padded(toMultipleOf: 4, .reflect) == picture)
    #expect(try picture.padded(toMultipleOf: 1, .edge) == picture)
    for multiple in [0, -4, Int.max, Int.min] {
      #expect(imagingError { try picture.padded(toMultipleOf: multiple, .edge) }?.code == .invalidParameter)
    }
    #expect(imagingError { try picture.padded(toMultipleOf: 65535, .edge) }?.code == .limitExceeded)
  }
}
