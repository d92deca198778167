import Foundation
import Testing
import ZooImaging
import ZooSeeded

@Suite("Damaged files")
struct DamagedFileTests {
  @Test("are errors that say so", arguments: Fixture.broken.filter { !$0.contains("claims") })
  func broken(name: String) throws {
    let file = try Fixture.data(name)
    let error = try #require(imagingError { try Image(decoding: file) })
    #expect(error.code == .malformed)
    #expect(error.message.hasPrefix(name.hasSuffix("jpg") ? "the JPEG cannot be read: " : "the PNG cannot be read: "))
    #expect(error.message.count > 40)
  }

  /// Neither of these formats says anything after its end mark, so a picture that lacks a byte is never whole.
  @Test(
    "that are cut at any byte are errors, and never half a picture",
    arguments: [
      "jpeg/orientation-6.jpg", "jpeg/low-quality-420.jpg", "jpeg/one-pixel.jpg", "jpeg/grey-progressive.jpg",
      "png/grey.png", "png/rgb-interlaced.png",
    ])
  func truncated(name: String) throws {
    let file = try Fixture.data(name)
    for count in 0..<file.count {
      guard case .failure(let error) = decoding(file.prefix(count)) else {
        Issue.record("\(name) cut to \(count) of \(file.count) bytes was read")
        continue
      }
      #expect(error.code == .malformed || error.code == .unknownFormat)
    }
  }

  @Test("with a few bytes changed are errors or pictures of a size that was claimed", arguments: 0..<8 as Range<UInt64>)
  func mutated(seed: UInt64) throws {
    let names = [
      "jpeg/low-quality-420.jpg", "jpeg/grey-progressive.jpg", "jpeg/one-pixel.jpg", "jpeg/orientation-8.jpg",
      "more/ycck-adobe.jpg", "png/grey-16.png", "png/rgb-interlaced.png", "png/palette-4-bit.png",
    ]
    let name = names[Int(seed)]
    let file = try Fixture.data(name)
    // Small, so that a mutated size costs no time.
    let limits = ImageLimits(maximumPixels: 1 << 20, maximumSide: 2048)
    var generator = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<600 {
      var mutant = file
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 2..<mutant.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: mutant[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: mutant[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 2: mutant.remove(at: place)
        default: mutant.insert(UInt8.random(in: .min ... .max, using: &generator), at: place)
        }
      }
      switch decoding(mutant, limits: limits) {
      case .success(let picture):
        #expect(picture.pixels.count == picture.width * picture.height * 3)
        #expect(max(picture.width, picture.height) <= 2048)
      case .failure(let error):
        refused += 1
        #expect(error.code != .internalFailure && error.code != .invalidTensor)
        #expect(!error.message.isEmpty)
      }
    }
    // PNG has a checksum over every byte.
    #expect(refused > (name.hasSuffix("png") ? 580 : 50))
  }

  @Test("that are random behind a right start are errors")
  func random() throws {
    var generator = SeededGenerator(seed: 7)
    let starts: [[UInt8]] = [[], [0xFF, 0xD8, 0xFF], [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]]
    for round in 0..<1500 {
      let count = Int.random(in: 0..<300, using: &generator)
      let noise = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      guard case .failure = decoding(Data(starts[round % 3] + noise)) else {
        Issue.record("round \(round) was read")
        continue
      }
    }
  }

  @Test("are refused alone while others are read on many threads")
  func concurrently() async throws {
    let good = try ["jpeg/baseline-420.jpg", "jpeg/progressive-444.jpg", "png/rgba-16.png", "png/palette.png"].map {
      (file: try Fixture.data($0), picture: try Fixture.image($0))
    }
    let bad = try Fixture.broken.map { try Fixture.data($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<16 {
        group.addTask {
          for round in 0..<40 {
            let expected = good[(task + round) % good.count]
            let read = try Image(decoding: expected.file)
            #expect(read == expected.picture)
            #expect(imagingError { try Image(decoding: bad[(task * 7 + round) % bad.count]) } != nil)
            let written = try Image(decoding: expected.picture.png())
            #expect(written == expected.picture)
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
