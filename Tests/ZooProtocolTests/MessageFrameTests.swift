import Foundation
import NIOCore
import SwiftProtobuf
import Testing
import ZooProtocol
import ZooSeeded

struct MessageFrameTests {
  @Test func aMessageComesBackFromItsFrame() throws {
    let request = ping(id: 300, "hello")
    var frame = try request.frame(maximumLength: 1000)
    let length = frame.readInteger(as: UInt32.self)
    #expect(length == UInt32(frame.readableBytes))
    #expect(try WireRequest(frame: frame) == request)
  }

  @Test func aMessageAsLongAsTheReceiverReadsIsSentAndALongerOneIsNot() throws {
    let request = ping(id: 1, "0123456789")
    let length = try request.serializedData().count
    #expect(try request.frame(maximumLength: length).readableBytes == 4 + length)
    let error = #expect(throws: ZooError.self) { try request.frame(maximumLength: length - 1) }
    #expect(error?.code == .resourceExhausted)
    #expect(error?.message.contains("\(length)") == true)
  }

  /// Each class of bytes that is no message: protobuf's encoding document has the wire types.
  @Test(
    arguments: [
      ("a varint that does not end", [0x08, 0xFF]),
      ("a varint of more than 10 bytes", [0x08] + [UInt8](repeating: 0xFF, count: 10) + [1]),
      ("a field with the number 0", [0x00, 0x01]),
      ("a length past the end", [0x5A, 0x05, 0x0A]),
      ("a length of almost 2^64", [0x5A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
      ("a wire type that is not defined", [0x0F]),
      ("a group that does not end", [0x53]),
      ("a group's end without its start", [0x54]),
      ("text that is not UTF-8", [0x52, 0x04, 0x12, 0x02, 0xC3, 0x28]),
      ("a message within cut short", [0x52, 0x02, 0x12, 0x05]),
    ] as [(String, [UInt8])])
  func bytesThatAreNoRequestAreRefused(what: String, bytes: [UInt8]) {
    let error = #expect(throws: ZooError.self, "\(what)") { try WireRequest(frame: ByteBuffer(bytes: bytes)) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("zoo.v1.Request") == true)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func randomBytesAreARequestOrAnErrorAndNeverATrap(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...80, using: &random)
    let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    do {
      let request = try WireRequest(frame: ByteBuffer(bytes: bytes))
      #expect(throws: Never.self) { try request.serializedData() }
    } catch {
      #expect(error.code == .invalidArgument)
    }
  }

  @Test func messagesNestedTooDeepAreRefused() {
    // Groups are unknown fields here, and the depth counts within them as well.
    func nested(_ depth: Int) -> [UInt8] {
      [UInt8](repeating: 0x0B, count: depth) + [UInt8](repeating: 0x0C, count: depth)
    }
    #expect(throws: Never.self) { try WireListCall(frame: ByteBuffer(bytes: nested(8))) }
    #expect(throws: ZooError.self) { try WireListCall(frame: ByteBuffer(bytes: nested(1000))) }
    #expect(throws: ZooError.self) { try WireListCall(frame: ByteBuffer(bytes: nested(100_000))) }
  }

  @Test func fieldsOfALaterVersionAreIgnored() throws {
    var frame = ByteBuffer(bytes: try ping(id: 1, "a").serializedData())
    frame.writeBytes([0xA2, 0x06, 0x02, 0x41, 0x42])  // field 100, two bytes
    #expect(try WireRequest(frame: frame) == ping(id: 1, "a"))
  }
}

func ping(id: UInt64, _ payload: String = "") -> WireRequest {
  .with {
    $0.id = id
    $0.ping.payload = Data(payload.utf8)
  }
}
