import Foundation
public import NIOCore
public import SwiftProtobuf

extension Message {
  /// The message as a frame: its length in 4 bytes, big-endian, then its encoding.
  ///
  /// - Throws: ``ZooError`` where it is longer than the receiver reads.
  public func frame(allocator: ByteBufferAllocator = ByteBufferAllocator(), maximumLength: Int) throws -> ByteBuffer {
    let encoded: Data = try serializedBytes()
    guard encoded.count <= maximumLength, let length = UInt32(exactly: encoded.count) else {
      throw ZooError(
        .resourceExhausted,
        "the message has \(encoded.count) bytes and the other side reads at most \(maximumLength): send less at a time")
    }
    var buffer = allocator.buffer(capacity: 4 + encoded.count)
    buffer.writeInteger(length)
    buffer.writeBytes(encoded)
    return buffer
  }

  /// The message in a frame.
  ///
  /// - Throws: ``ZooError`` where the bytes are not such a message.
  public init(frame: ByteBuffer) throws(ZooError) {
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = 32
    options.discardUnknownFields = true
    do {
      self = try frame.withUnsafeReadableBytes { try Self(serializedBytes: Data($0), options: options) }
    } catch {
      throw ZooError(
        .invalidArgument, "a frame of \(frame.readableBytes) bytes is not a \(Self.protoMessageName)", cause: error)
    }
  }
}
