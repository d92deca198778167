import Foundation
import Testing
import ZooImaging

@Suite("JPEG files that ask for too much, or for what is not read")
struct HostileJPEGTests {
  /// The positions of a marker's second byte and what its segment and the data behind it span.
  private func segments(_ file: Data) -> [(marker: UInt8, range: Range<Int>)] {
    var starts: [Int] = []
    var position = 2
    while position + 4 <= file.count, file[position] == 0xFF {
      starts.append(position)
      let isScan = file[position + 1] == 0xDA
      position += 2 + Int(file[position + 2]) << 8 + Int(file[position + 3])
      while isScan, position + 1 < file.count, file[position] != 0xFF || file[position + 1] == 0 { position += 1 }
    }
    return zip(starts, starts.dropFirst() + [position]).map { (file[$0 + 1], $0..<$1) }
  }

  @Test("More scans than any encoder writes are refused, ten times the usual number is not")
  func scans() throws {
    let file = try Fixture.data("jpeg/progressive-444.jpg")
    let scan = try #require(segments(file).first { $0.marker == 0xDA }?.range)
    func repeated(_ times: Int) -> Data {
      file[..<scan.upperBound] + (0..<times).flatMap { _ in file[scan] } + file[scan.upperBound...]
    }
    #expect(try Image(decoding: repeated(80)) == Image(decoding: file))
    let error = try #require(imagingError { try Image(decoding: repeated(200)) })
    #expect(error.code == .limitExceeded)
    #expect(error.message.contains("100 scans"))
  }

  @Test("A lossless, a 12-bit and a two-channel JPEG are unsupported and not damaged")
  func unsupported() throws {
    let file = try Fixture.data("jpeg/baseline-444.jpg")
    let frame = try #require(segments(file).first { $0.marker == 0xC0 }?.range)
    var lossless = file
    lossless[frame.lowerBound + 1] = 0xC3
    var deep = file
    deep[frame.lowerBound + 4] = 12
    // Two channels: the frame and the scan lose their third, and their lengths with it.
    let scan = try #require(segments(file).first { $0.marker == 0xDA }?.range)
    var two = file
    two[scan.lowerBound + 3] -= 2
    two[scan.lowerBound + 4] = 2
    two.removeSubrange(scan.lowerBound + 9..<scan.lowerBound + 11)
    two[frame.lowerBound + 3] -= 3
    two[frame.lowerBound + 9] = 2
    two.removeSubrange(frame.lowerBound + 16..<frame.lowerBound + 19)
    for (kind, file) in [("lossless", lossless), ("12-bit", deep), ("two-channel", two)] {
      let error = try #require(imagingError { try Image(decoding: file) })
      #expect(error.code == .unsupported, "\(kind): \(error.message)")
      #expect(error.message.contains("save it as an 8-bit baseline JPEG or a PNG"))
    }
  }

  @Test("Data that ends within a scan is an error though a mark of the end follows")
  func shortScan() throws {
    let file = try Fixture.data("jpeg/baseline-444.jpg")
    let error = try #require(imagingError { try Image(decoding: file.prefix(file.count / 2) + Data([0xFF, 0xD9])) })
    #expect(error.code == .malformed)
    #expect(error.message.contains("premature end of data segment"))
  }

  @Test("A restart marker that is missing is lost data and an error")
  func missingRestart() throws {
    let file = try Fixture.data("jpeg/restarts-420.jpg")
    let restart = try #require(file.firstRange(of: Data([0xFF, 0xD1])))
    var damaged = file
    damaged[restart.lowerBound + 1] = 0xD5
    let error = try #require(imagingError { try Image(decoding: damaged) })
    #expect(error.code == .malformed)
  }

  @Test("A message in a file's bytes does not get into an error's text")
  func quietErrors() throws {
    let file = try Fixture.data("jpeg/baseline-444.jpg")
    let comment = Data([0xFF, 0xFE, 0, 12]) + Data("secret-123".utf8)
    let error = try #require(
      imagingError { try Image(decoding: file.prefix(2) + comment + file.dropFirst(2).prefix(700)) })
    #expect(error.code == .malformed)
    #expect(!error.message.contains("secret"))
  }
}
