import SwiftProtobuf
import Testing
import ZooProtocol
import ZooSeeded

struct ClientConnectionTests {
  private static func greeting(requestsInFlight: UInt32 = 64) -> WireResponse {
    .with {
      $0.id = 1
      $0.hello.protocolVersion = 1
      $0.hello.limits.requestsInFlight = requestsInFlight
    }
  }

  private func open(requestsInFlight: UInt32 = 64) -> ClientConnection {
    var connection = ClientConnection()
    #expect(connection.received(Self.greeting(requestsInFlight: requestsInFlight)) == [])
    return connection
  }

  private func call() -> WireRequest {
    .with { $0.infer.model = "horse2zebra" }
  }

  private func failure(_ code: WireStatusCode, id: UInt64) -> WireResponse {
    .failure(of: id, ZooError(code, "because"))
  }

  // MARK: Hello

  @Test func helloIsSentFirst() {
    let connection = ClientConnection()
    let expected = WireRequest.with {
      $0.id = 1
      $0.hello.protocolVersion = 1
      $0.hello.token = "secret"
      $0.hello.client = "test/1"
    }
    #expect(connection.connected(token: "secret", client: "test/1") == [.send(expected)])
  }

  @Test func requestsWaitForTheAnswerToHelloThenGoInTheirOrder() {
    var connection = ClientConnection()
    let (first, none) = connection.request(call())
    let (second, _) = connection.request(call())
    #expect(none == [])
    #expect(first != second && first > 1 && second > 1)
    #expect(connection.received(Self.greeting()).sent == [first, second])
    #expect(connection.greeting?.protocolVersion == 1)
  }

  @Test(arguments: [.unauthenticated, .failedPrecondition, .resourceExhausted, .UNRECOGNIZED(99)] as [WireStatusCode])
  func aRefusedHelloFailsEveryRequestForGood(code: WireStatusCode) {
    var connection = ClientConnection()
    let (id, _) = connection.request(call())
    let refusal = failure(code, id: 1)
    #expect(connection.received(refusal) == [.finish(id: id, .failed(refusal.status)), .close])
    let (later, actions) = connection.request(call())
    #expect(actions == [.finish(id: later, .failed(refusal.status))])
  }

  @Test(arguments: [.unavailable, .deadlineExceeded] as [WireStatusCode], [0, 1] as [UInt64])
  func aServerThatHasNoRoomIsWorthAskingAgain(code: WireStatusCode, id: UInt64) {
    var connection = ClientConnection()
    let (request, _) = connection.request(call())
    let lost = ClientConnection.Outcome.lost(reason: "because", mayHaveRun: false)
    #expect(connection.received(failure(code, id: id)) == [.finish(id: request, lost), .close])
  }

  @Test(
    arguments: [
      answer(id: 1), .with { $0.id = 1 }, .with { ($0.id, $0.hello) = (2, .init()) }, .init(),
    ] as [WireResponse])
  func anythingElseThanAHelloFirstIsNoServerOfOurs(response: WireResponse) {
    var connection = ClientConnection()
    let (id, _) = connection.request(call())
    let actions = connection.received(response)
    guard case .finish(id, .failed(let status)) = actions.first else {
      Issue.record("\(actions)")
      return
    }
    #expect(status.code == .internal)
    #expect(actions.last == .close)
    #expect(connection.isClosed)
  }

  // MARK: Requests

  @Test func answersMayComeInAnyOrder() {
    var connection = open()
    let ids = (0..<3).map { _ in connection.request(call()).id }
    for id in ids.reversed() {
      #expect(connection.received(answer(id: id)) == [.finish(id: id, .answered(answer(id: id)))])
    }
    #expect(connection.requestsInFlight == 0)
  }

  @Test func aFailedRequestIsAnAnswerAndTheConnectionGoesOn() {
    var connection = open()
    let (id, _) = connection.request(call())
    let response = failure(.notFound, id: id)
    #expect(connection.received(response) == [.finish(id: id, .answered(response))])
    #expect(!connection.isClosed)
  }

  @Test func noMoreAreInFlightThanTheServerAllows() {
    var connection = open(requestsInFlight: 2)
    let requests = (0..<4).map { _ in connection.request(call()) }
    #expect(requests.map { $0.actions.sent.count } == [1, 1, 0, 0])
    #expect(connection.requestsInFlight == 4)
    #expect(connection.received(answer(id: requests[1].id)).sent == [requests[2].id])
    #expect(connection.received(answer(id: requests[0].id)).sent == [requests[3].id])
  }

  @Test func aServerThatAllowsNoneStillGetsOne() {
    var connection = open(requestsInFlight: 0)
    #expect(connection.request(call()).actions.sent.count == 1)
    #expect(connection.request(call()).actions.sent.count == 0)
  }

  @Test(arguments: [0, 1, 77] as [UInt64])
  func anAnswerToNothingIsIgnored(id: UInt64) {
    var connection = open()
    let (request, _) = connection.request(call())
    #expect(connection.received(answer(id: id)) == [])
    #expect(connection.received(answer(id: request)).count == 1)
    #expect(connection.received(answer(id: request)) == [], "a second answer is one to nothing")
  }

  @Test func aRequestThatCannotBeSentMakesRoomForTheNext() {
    var connection = open(requestsInFlight: 1)
    let (first, _) = connection.request(call())
    let (second, _) = connection.request(call())
    #expect(connection.withdraw(first).sent == [second])
    #expect(connection.received(answer(id: first)) == [])
  }

  // MARK: Giving up

  @Test func givingUpARequestThatWasSentTellsTheServer() throws {
    var connection = open(requestsInFlight: 1)
    let (first, _) = connection.request(call())
    let (second, _) = connection.request(call())
    let actions = connection.abandon(first)
    guard case .send(let request) = try #require(actions.first) else { return }
    #expect(request.cancel.requestID == first)
    #expect(![first, second, 0].contains(request.id))
    #expect(actions.dropFirst().map { $0 }.sent == [second])
    #expect(connection.received(failure(.cancelled, id: first)) == [])
    #expect(connection.received(.with { ($0.id, $0.cancel.found) = (request.id, true) }) == [])
  }

  @Test func givingUpARequestThatWaitsTellsNobody() {
    var connection = open(requestsInFlight: 1)
    let (first, _) = connection.request(call())
    let (second, _) = connection.request(call())
    #expect(connection.abandon(second) == [])
    #expect(connection.received(answer(id: first)).sent == [])
  }

  @Test func givingUpWhatIsOverDoesNothing() {
    var connection = open()
    let (id, _) = connection.request(call())
    _ = connection.received(answer(id: id))
    #expect(connection.abandon(id) == [])
    #expect(connection.abandon(12345) == [])
  }

  // MARK: The end

  @Test func aLostConnectionSaysWhichRequestsMayHaveRun() {
    var connection = open(requestsInFlight: 1)
    let (first, _) = connection.request(call())
    let (second, _) = connection.request(call())
    #expect(
      connection.close(reason: "gone") == [
        .finish(id: first, .lost(reason: "gone", mayHaveRun: true)),
        .finish(id: second, .lost(reason: "gone", mayHaveRun: false)), .close,
      ])
    #expect(connection.close(reason: "again") == [])
    #expect(connection.received(answer(id: first)) == [])
    let (third, actions) = connection.request(call())
    #expect(actions == [.finish(id: third, .lost(reason: "gone", mayHaveRun: false))])
  }

  @Test func whatTheServerCouldNotReadFailsForGood() {
    var connection = open()
    let (id, _) = connection.request(call())
    let response = failure(.invalidArgument, id: 0)
    #expect(connection.received(response) == [.finish(id: id, .failed(response.status)), .close])
  }

  @Test func aRequestThatWasNotSentIsNotHeldToAnothersFailure() {
    var connection = open(requestsInFlight: 1)
    let (first, _) = connection.request(call())
    let (second, _) = connection.request(call())
    let error = ZooError(.internal, "not a response")
    let lost = ClientConnection.Outcome.lost(reason: "not a response", mayHaveRun: false)
    #expect(
      connection.fail(error) == [.finish(id: first, .failed(error.status)), .finish(id: second, lost), .close])
    let (third, actions) = connection.request(call())
    #expect(actions == [.finish(id: third, lost)])
  }

  @Test func whatTheClientCannotReadFailsForGood() {
    var connection = open()
    let (id, _) = connection.request(call())
    let error = ZooError(.internal, "not a response")
    #expect(connection.fail(error) == [.finish(id: id, .failed(error.status)), .close])
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func everyRequestFinishesExactlyOnceUnlessItIsGivenUp(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var connection = ClientConnection()
    var open: Set<UInt64> = []
    var sent: Set<UInt64> = []
    var isClosed = false

    func take(_ actions: [ClientConnection.Action]) {
      for action in actions {
        switch action {
        case .send(let request):
          #expect(!isClosed, "sent after the close")
          #expect(sent.insert(request.id).inserted, "\(request.id) is sent twice")
        case .finish(let id, _): #expect(open.remove(id) != nil, "\(id) finishes and is not open")
        case .close:
          #expect(!isClosed, "closed twice")
          isClosed = true
        }
      }
      #expect(sent.intersection(open).count <= 3, "more in flight than the server allows")
      #expect(connection.requestsInFlight == open.count)
    }

    for _ in 0..<150 {
      let id = UInt64.random(in: 0...40, using: &random)
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<35:
        let (id, actions) = connection.request(call())
        #expect(open.insert(id).inserted, "\(id) is given twice")
        take(actions)
      case 35..<45: take(connection.received(Self.greeting(requestsInFlight: 3)))
      case 45..<75: take(connection.received(sent.contains(id) ? answer(id: id) : Self.greeting(requestsInFlight: 3)))
      case 75..<95:
        open.remove(id)
        take(connection.abandon(id))
      case 95..<97:
        if sent.contains(id), open.remove(id) != nil { take(connection.withdraw(id)) }
      case 97: take(connection.received(failure(.invalidArgument, id: 0)))
      case 98: take(connection.close(reason: "gone"))
      default: take(connection.fail(ZooError(.internal, "unreadable")))
      }
    }
    take(connection.close(reason: "the end"))
    #expect(open.isEmpty)
  }
}

extension [ClientConnection.Action] {
  fileprivate var sent: [UInt64] {
    compactMap { if case .send(let request) = $0 { request.id } else { nil } }
  }
}
