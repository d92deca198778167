import Foundation
import SwiftProtobuf
import Testing
import ZooProtocol

struct ServerConnectionRequestTests {
  @Test func aRequestIsDispatchedAsItCameAndItsAnswerSent() {
    var connection = ServerConnection.open()
    let request = infer(id: 5, timeout: 250)
    #expect(
      connection.received(request, at: start) == [.dispatch(request, deadline: start + .milliseconds(250))])
    #expect(connection.requestsInFlight == 1)
    #expect(connection.answered(answer(id: 5)) == [.send(answer(id: 5))])
    #expect(connection.requestsInFlight == 0)
  }

  @Test func answersGoOutInTheOrderInWhichTheyCome() {
    var connection = ServerConnection.busy([5, 6, 7])
    for id in [7, 5, 6] as [UInt64] { #expect(connection.answered(answer(id: id)) == [.send(answer(id: id))]) }
  }

  @Test func theIDZeroIsRefusedForEveryCall() {
    for call in everyCall {
      var connection = ServerConnection.open(as: "boss")
      connection.received(.with { $0.call = call }, at: start).expectFailure(.invalidArgument, of: 0)
      #expect(!connection.isClosed)
    }
  }

  @Test func theIDOfARequestInFlightIsRefusedAndThatRequestIsStillAnswered() {
    var connection = ServerConnection.busy([5])
    connection.received(infer(id: 5), at: start).expectFailure(.invalidArgument, of: 5)
    #expect(connection.answered(answer(id: 5)).sent.count == 1)
  }

  @Test func anIDMayBeUsedAgainAfterItsAnswer() {
    var connection = ServerConnection.busy([5])
    _ = connection.answered(answer(id: 5))
    #expect(connection.received(infer(id: 5), at: start).dispatched == [5])
  }

  @Test func oneRequestMoreThanTheLimitIsRefusedUntilAnotherIsAnswered() {
    var connection = ServerConnection.busy([1, 2, 3], ProtocolLimits(requestsInFlight: 3))
    connection.received(infer(id: 4), at: start).expectFailure(.resourceExhausted, of: 4)
    #expect(connection.received(ping(id: 5), at: start).sent.count == 1, "a ping takes no place")
    _ = connection.answered(answer(id: 2))
    #expect(connection.received(infer(id: 4), at: start).dispatched == [4])
  }

  @Test func aRequestWithoutACallIsUnimplemented() {
    var connection = ServerConnection.open()
    connection.received(.with { $0.id = 5 }, at: start).expectFailure(.unimplemented, of: 5)
    #expect(!connection.isClosed)
  }

  @Test func everyCallThatChangesTheServerNeedsTheAdministratorsToken() {
    let open: Set = [
      "hello", "ping", "cancel", "list", "info", "infer", "list_indexes", "get_items", "search", "devices",
    ]
    #expect(Set(everyCall.map(\.name)).isSuperset(of: open))
    #expect(everyCall.count == 23)
    for call in everyCall where !open.contains(call.name) {
      let request = WireRequest.with { ($0.id, $0.call) = (5, call) }
      var caller = ServerConnection.open(as: "caller")
      let refusal = caller.received(request, at: start)
      refusal.expectFailure(.permissionDenied, of: 5)
      #expect(refusal.sent.first?.status.message.contains(call.name) == true)
      #expect(caller.requestsInFlight == 0)
      var administrator = ServerConnection.open(as: "boss")
      #expect(administrator.received(request, at: start).dispatched == [5], "\(call.name)")
    }
  }

  @Test func whatOthersRunIsForTheAdministratorAndTheDevicesAreForAll() {
    let plain = WireRequest.with { ($0.id, $0.call) = (5, .devices(.init())) }
    let processes = WireRequest.with { ($0.id, $0.call) = (6, .devices(.with { $0.processes = true })) }
    var caller = ServerConnection.open(as: "caller")
    #expect(caller.received(plain, at: start).dispatched == [5])
    let refusal = caller.received(processes, at: start)
    refusal.expectFailure(.permissionDenied, of: 6)
    #expect(refusal.sent.first?.status.message.contains("devices.processes") == true)
    var administrator = ServerConnection.open(as: "boss")
    #expect(administrator.received(processes, at: start).dispatched == [6])
  }

  @Test(arguments: ["list", "info", "infer"])
  func theCallersTokenIsEnoughToCall(name: String) throws {
    var connection = ServerConnection.open(as: "caller")
    let call = try #require(everyCall.first { $0.name == name })
    #expect(connection.received(.with { ($0.id, $0.call) = (5, call) }, at: start).dispatched == [5])
  }

  // MARK: Ping

  @Test func aPingComesBackAtOnce() {
    var connection = ServerConnection.open()
    let expected = WireResponse.with {
      $0.id = 5
      $0.ping.payload = Data("abc".utf8)
    }
    #expect(connection.received(ping(id: 5, "abc"), at: start) == [.send(expected)])
    #expect(connection.requestsInFlight == 0)
  }

  @Test func aPingOf1024BytesIsTheLargest() {
    var connection = ServerConnection.open()
    let largest = String(repeating: "x", count: 1024)
    #expect(connection.received(ping(id: 5, largest), at: start).sent.map(\.ping.payload.count) == [1024])
    connection.received(ping(id: 6, largest + "x"), at: start).expectFailure(.invalidArgument, of: 6)
  }

  // MARK: Cancel

  @Test func aCancelledRequestIsAbandonedAndAnsweredWithCancelled() {
    var connection = ServerConnection.busy([5, 6])
    let actions = connection.received(cancel(id: 7, of: 5), at: start)
    #expect(actions.abandoned == [5])
    #expect(actions.sent.map(\.id) == [5, 7])
    #expect(actions.sent.map(\.status.code) == [.cancelled, .ok])
    #expect(actions.sent.last?.cancel.found == true)
    #expect(connection.answered(answer(id: 5)) == [], "an answer that comes too late goes nowhere")
    #expect(connection.answered(answer(id: 6)).sent.count == 1)
  }

  @Test(arguments: [0, 5, 7, 99] as [UInt64])
  func cancellingWhatIsNotInFlightFindsNothing(id: UInt64) {
    var connection = ServerConnection.busy([5])
    _ = connection.answered(answer(id: 5))
    let actions = connection.received(cancel(id: 7, of: id), at: start)
    #expect(actions.count == 1)
    #expect(actions.sent.map(\.id) == [7])
    #expect(actions.sent.map(\.result) == [.cancel(.init())])
  }

  @Test func aCancelTakesNoPlaceAmongTheRequestsInFlight() {
    var connection = ServerConnection.busy([1, 2], ProtocolLimits(requestsInFlight: 2))
    #expect(connection.received(cancel(id: 3, of: 1), at: start).abandoned == [1])
  }
}
