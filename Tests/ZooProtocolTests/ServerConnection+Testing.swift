import Foundation
import SwiftProtobuf
import Testing
import ZooProtocol

/// When the connections of these tests begin.
let start = ContinuousClock.now

extension ServerConnection {
  static let testTokens = AccessTokens(call: "caller", administer: "boss")

  static func new(_ limits: ProtocolLimits = ProtocolLimits()) -> ServerConnection {
    ServerConnection(tokens: testTokens, limits: limits, serverName: "zoo/test", at: start)
  }

  /// A connection whose hello, with the id 1, has been answered.
  static func open(as token: String = "caller", _ limits: ProtocolLimits = ProtocolLimits()) -> ServerConnection {
    var connection = new(limits)
    #expect(connection.received(hello(token: token), at: start).sent.map(\.status.code) == [.ok])
    return connection
  }

  /// An open connection that has dispatched requests with these ids.
  static func busy(_ ids: [UInt64], _ limits: ProtocolLimits = ProtocolLimits()) -> ServerConnection {
    var connection = open(limits)
    for id in ids { #expect(connection.received(infer(id: id), at: start).dispatched == [id]) }
    return connection
  }

  private static func open(_ limits: ProtocolLimits) -> ServerConnection { open(as: "caller", limits) }
}

extension [ServerConnection.Action] {
  var sent: [WireResponse] {
    compactMap { if case .send(let response) = $0 { response } else { nil } }
  }

  var dispatched: [UInt64] {
    compactMap { if case .dispatch(let request, _) = $0 { request.id } else { nil } }
  }

  var abandoned: [UInt64] {
    compactMap { if case .abandon(let id) = $0 { id } else { nil } }
  }

  var deadlines: [ContinuousClock.Instant] {
    compactMap { if case .dispatch(_, let deadline) = $0 { deadline } else { nil } }
  }

  /// One failed response and nothing else.
  func expectFailure(
    _ code: WireStatusCode, of id: UInt64, closing: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(count == (closing ? 2 : 1), sourceLocation: sourceLocation)
    #expect(sent.map(\.status.code) == [code], sourceLocation: sourceLocation)
    #expect(sent.map(\.id) == [id], sourceLocation: sourceLocation)
    #expect(sent.allSatisfy { $0.result == nil && !$0.status.message.isEmpty }, sourceLocation: sourceLocation)
    #expect((last == .close) == closing, sourceLocation: sourceLocation)
  }
}

func hello(id: UInt64 = 1, version: UInt32 = 1, token: String = "caller") -> WireRequest {
  .with {
    $0.id = id
    $0.hello.protocolVersion = version
    $0.hello.token = token
    $0.hello.client = "test/1"
  }
}

func infer(id: UInt64, timeout: UInt32 = 0) -> WireRequest {
  .with {
    $0.id = id
    $0.timeoutMs = timeout
    $0.infer.model = "horse2zebra"
  }
}

func cancel(id: UInt64, of request: UInt64) -> WireRequest {
  .with {
    $0.id = id
    $0.cancel.requestID = request
  }
}

func answer(id: UInt64) -> WireResponse {
  .with {
    $0.id = id
    $0.infer.version = 3
  }
}

/// Every call that rpc.proto has, found by decoding an empty message in each field that a call may take.
let everyCall: [WireRequest.OneOf_Call] = (10..<100).compactMap { field in
  let tag = UInt32(field) << 3 | 2
  let key = tag < 128 ? [UInt8(tag)] : [UInt8(tag & 127) | 128, UInt8(tag >> 7)]
  return try? WireRequest(serializedBytes: key + [0]).call
}
