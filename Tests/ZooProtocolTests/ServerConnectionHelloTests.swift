import SwiftProtobuf
import Testing
import ZooProtocol

struct ServerConnectionHelloTests {
  @Test(arguments: [("caller", false), ("boss", true)])
  func helloIsAnsweredWithTheLimitsAndWhatTheTokenAllows(token: String, mayAdminister: Bool) {
    let limits = ProtocolLimits(frameBytes: 1000, requestsInFlight: 5, chunkBytes: 100, maximumTimeout: .seconds(7))
    var connection = ServerConnection.new(limits)
    let expected = WireResponse.with {
      $0.id = 9
      $0.hello.protocolVersion = 1
      $0.hello.server = "zoo/test"
      $0.hello.limits.frameBytes = 1000
      $0.hello.limits.requestsInFlight = 5
      $0.hello.limits.chunkBytes = 100
      $0.hello.limits.timeoutMs = 7000
      $0.hello.mayAdminister = mayAdminister
    }
    #expect(connection.received(hello(id: 9, token: token), at: start) == [.send(expected)])
    #expect(!connection.isClosed)
    #expect(connection.nextDeadline == nil)
  }

  @Test func anyCallBeforeHelloIsRefusedAndTheConnectionCloses() {
    for call in everyCall {
      if case .hello = call { continue }
      var connection = ServerConnection.new()
      connection.received(.with { ($0.id, $0.call) = (4, call) }, at: start)
        .expectFailure(.failedPrecondition, of: 4, closing: true)
      #expect(connection.isClosed)
    }
  }

  @Test(arguments: [0, 2, .max] as [UInt32])
  func anotherVersionIsRefusedAndTheConnectionCloses(version: UInt32) {
    var connection = ServerConnection.new()
    let actions = connection.received(hello(version: version), at: start)
    actions.expectFailure(.failedPrecondition, of: 1, closing: true)
    #expect(actions.sent[0].status.message.contains("\(version)"))
  }

  @Test(arguments: ["", "callers", "Boss"])
  func anotherTokenIsRefusedAndTheConnectionCloses(token: String) {
    var connection = ServerConnection.new()
    let actions = connection.received(hello(token: token), at: start)
    actions.expectFailure(.unauthenticated, of: 1, closing: true)
    #expect(!actions.sent[0].status.message.contains("caller"), "the message does not help to guess")
  }

  @Test func helloWithTheIDZeroIsRefusedAndTheConnectionCloses() {
    var connection = ServerConnection.new()
    connection.received(hello(id: 0), at: start).expectFailure(.invalidArgument, of: 0, closing: true)
  }

  @Test func aSecondHelloIsRefusedAndChangesNothing() {
    var connection = ServerConnection.open()
    connection.received(hello(id: 2, token: "boss"), at: start).expectFailure(.failedPrecondition, of: 2)
    connection.received(.with { ($0.id, $0.load) = (3, .init()) }, at: start)
      .expectFailure(.permissionDenied, of: 3)
    #expect(!connection.isClosed)
  }

  @Test func aClientThatDoesNotSayHelloInTimeIsClosed() {
    var connection = ServerConnection.new(ProtocolLimits(helloTimeout: .seconds(10)))
    #expect(connection.nextDeadline == start + .seconds(10))
    #expect(connection.tick(at: start + .milliseconds(9_999)) == [])
    connection.tick(at: start + .seconds(10)).expectFailure(.deadlineExceeded, of: 0, closing: true)
    #expect(connection.nextDeadline == nil)
    #expect(connection.received(hello(), at: start + .seconds(11)) == [])
  }

  @Test func aMalformedFrameBeforeHelloCloses() {
    var connection = ServerConnection.new()
    connection.received(malformed: ZooError(.invalidArgument, "no"))
      .expectFailure(.invalidArgument, of: 0, closing: true)
  }

  @Test func lostFramesBeforeHelloClose() {
    var connection = ServerConnection.new()
    connection.lost(.tooLong(declared: 9, maximum: 1)).expectFailure(.resourceExhausted, of: 0, closing: true)
  }

  @Test func drainingBeforeHelloCloses() {
    var connection = ServerConnection.new()
    #expect(connection.drain() == [.close])
    #expect(connection.drain() == [])
  }
}
