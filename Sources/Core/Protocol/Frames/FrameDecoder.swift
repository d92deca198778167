public import NIOCore

/// Cuts a stream into frames: a 4-byte big-endian length, then so many bytes.
///
/// The length is checked against the cap as soon as its four bytes are there, before anything more is kept. A stream
/// with a length that is refused cannot be followed any further: the decoder throws from then on.
public struct FrameDecoder: NIOSingleStepByteToMessageDecoder {
  public typealias InboundOut = ByteBuffer

  private let maximumLength: Int

  /// - Parameter maximumLength: the largest frame, in bytes, without its length.
  public init(maximumLength: Int) {
    self.maximumLength = maximumLength
  }

  public mutating func decode(buffer: inout ByteBuffer) throws -> ByteBuffer? {
    guard let declared = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
    let length = Int(declared)
    guard length > 0 else { throw FrameError.empty }
    guard length <= maximumLength else { throw FrameError.tooLong(declared: length, maximum: maximumLength) }
    guard buffer.readableBytes >= 4 + length else { return nil }
    buffer.moveReaderIndex(forwardBy: 4)
    return buffer.readSlice(length: length)
  }

  public mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> ByteBuffer? {
    if let frame = try decode(buffer: &buffer) { return frame }
    if buffer.readableBytes > 0 { throw FrameError.truncated(received: buffer.readableBytes) }
    return nil
  }
}

/// Why a stream of frames cannot be followed.
public enum FrameError: Error, Sendable, Hashable {
  /// A length of 0: no message has an empty encoding here.
  case empty
  case tooLong(declared: Int, maximum: Int)
  /// The stream ended within a frame.
  case truncated(received: Int)

  public var zooError: ZooError {
    switch self {
    case .empty:
      ZooError(.invalidArgument, "a frame has the length 0: send a 4-byte big-endian length and one message")
    case .tooLong(let declared, let maximum):
      ZooError(
        .resourceExhausted,
        "a frame has the length \(declared) and this side reads at most \(maximum) bytes: send less, or check that the "
          + "length is 4 bytes, big-endian")
    case .truncated(let received):
      ZooError(.dataLoss, "the stream ended within a frame, after \(received) bytes of it")
    }
  }
}
