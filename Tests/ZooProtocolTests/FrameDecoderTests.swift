import NIOCore
import Testing
import ZooProtocol
import ZooSeeded

struct FrameDecoderTests {
  private static let maximum = 100

  private func decode(_ bytes: [UInt8]) throws -> (frame: [UInt8]?, left: Int) {
    var decoder = FrameDecoder(maximumLength: Self.maximum)
    var buffer = ByteBuffer(bytes: bytes)
    let frame = try decoder.decode(buffer: &buffer)
    return (frame.map { Array($0.readableBytesView) }, buffer.readableBytes)
  }

  private static func framed(_ payload: [UInt8]) -> [UInt8] {
    [0, 0, UInt8(payload.count >> 8), UInt8(payload.count & 255)] + payload
  }

  @Test func aWholeFrameIsCutOutWithoutItsLength() throws {
    let (frame, left) = try decode([0, 0, 0, 3, 7, 8, 9])
    #expect(frame == [7, 8, 9])
    #expect(left == 0)
  }

  @Test func theLongestAllowedFrameIsRead() throws {
    let payload = [UInt8](repeating: 5, count: Self.maximum)
    #expect(try decode(Self.framed(payload)).frame == payload)
  }

  @Test(arguments: 0..<7)
  func aPartOfAFrameWaitsForTheRestAndTakesNothing(count: Int) throws {
    let (frame, left) = try decode(Array([0, 0, 0, 3, 7, 8, 9].prefix(count)))
    #expect(frame == nil)
    #expect(left == count)
  }

  @Test func whatFollowsAFrameIsLeftForTheNext() throws {
    var decoder = FrameDecoder(maximumLength: Self.maximum)
    var buffer = ByteBuffer(bytes: Self.framed([1]) + Self.framed([2, 3]) + [0, 0])
    #expect(try decoder.decode(buffer: &buffer).map { Array($0.readableBytesView) } == [1])
    #expect(try decoder.decode(buffer: &buffer).map { Array($0.readableBytesView) } == [2, 3])
    #expect(try decoder.decode(buffer: &buffer) == nil)
    #expect(buffer.readableBytes == 2)
  }

  @Test func theLengthZeroIsRefused() {
    #expect(throws: FrameError.empty) { try decode([0, 0, 0, 0]) }
  }

  @Test(arguments: [
    ([0, 0, 0, 101] as [UInt8], 101), ([0, 0, 1, 0], 256), ([0x7F, 0xFF, 0xFF, 0xFF], 2_147_483_647),
    ([0xFF, 0xFF, 0xFF, 0xFF], 4_294_967_295), (Array("HTTP".utf8), 0x4854_5450),
  ])
  func aLengthOverTheCapIsRefusedByItsFourBytesAlone(length: [UInt8], declared: Int) {
    #expect(throws: FrameError.tooLong(declared: declared, maximum: Self.maximum)) { try decode(length) }
  }

  @Test func aRefusedLengthIsRefusedAgain() {
    var decoder = FrameDecoder(maximumLength: Self.maximum)
    var buffer = ByteBuffer(bytes: [0xFF, 0, 0, 0])
    for _ in 0..<3 {
      #expect(throws: FrameError.self) { try decoder.decode(buffer: &buffer) }
      buffer.writeBytes(Self.framed([1]))
    }
  }

  @Test func theEndBetweenFramesIsAnEnd() throws {
    var decoder = FrameDecoder(maximumLength: Self.maximum)
    var buffer = ByteBuffer(bytes: Self.framed([1]))
    #expect(try decoder.decodeLast(buffer: &buffer, seenEOF: true) != nil)
    #expect(try decoder.decodeLast(buffer: &buffer, seenEOF: true) == nil)
  }

  @Test(arguments: 1..<7)
  func theEndWithinAFrameIsAnError(count: Int) {
    var decoder = FrameDecoder(maximumLength: Self.maximum)
    var buffer = ByteBuffer(bytes: [0, 0, 0, 3, 7, 8, 9].prefix(count))
    #expect(throws: FrameError.truncated(received: count)) {
      try decoder.decodeLast(buffer: &buffer, seenEOF: true)
    }
  }

  @Test(arguments: 0..<64 as Range<UInt64>)
  func framesAreTheSameHoweverTheStreamIsCut(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let payloads = (0..<Int.random(in: 1...20, using: &random)).map { _ in
      (0..<Int.random(in: 1...Self.maximum, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    let processor = NIOSingleStepByteToMessageProcessor(FrameDecoder(maximumLength: Self.maximum))
    var stream = payloads.flatMap(Self.framed)[...]
    var frames: [[UInt8]] = []
    var mostBuffered = 0
    while !stream.isEmpty {
      let chunk = stream.prefix(Int.random(in: 1...300, using: &random))
      stream = stream.dropFirst(chunk.count)
      try processor.process(buffer: ByteBuffer(bytes: chunk)) { frames.append(Array($0.readableBytesView)) }
      mostBuffered = max(mostBuffered, processor.unprocessedBytes)
    }
    try processor.finishProcessing(seenEOF: true) { _ in Issue.record("a frame came from nothing") }
    #expect(frames == payloads)
    #expect(mostBuffered < 4 + Self.maximum, "never a whole frame is kept")
  }

  @Test func everyFrameErrorHasItsCode() {
    #expect(FrameError.empty.zooError.code == .invalidArgument)
    #expect(FrameError.truncated(received: 3).zooError.code == .dataLoss)
    let tooLong = FrameError.tooLong(declared: 900, maximum: 100).zooError
    #expect(tooLong.code == .resourceExhausted)
    #expect(tooLong.message.contains("900") && tooLong.message.contains("100"))
  }
}
