import SwiftProtobuf
import Testing
import ZooProtocol
import ZooSeeded

/// Whatever happens on a connection, in whatever order, its promises hold.
struct ServerConnectionPropertyTests {
  private static let requestsInFlight = 4

  @Test(arguments: 0..<300 as Range<UInt64>)
  func everyDispatchedRequestEndsExactlyOnceAndNothingIsSentAfterTheClose(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limits = ProtocolLimits(
      requestsInFlight: Self.requestsInFlight, defaultTimeout: .milliseconds(40), maximumTimeout: .milliseconds(90))
    // Some begin with a hello, and some with anything.
    var connection = seed.isMultiple(of: 4) ? ServerConnection.new(limits) : .open(as: "caller", limits)
    var ledger = Ledger()
    var now = start

    for _ in 0..<200 {
      now += .milliseconds(Int.random(in: 0...10, using: &random))
      let id = UInt64.random(in: 0...8, using: &random)
      let actions: [ServerConnection.Action]
      var hasDisconnected = false
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<40: actions = connection.received(infer(id: id, timeout: .random(in: 0...120, using: &random)), at: now)
      case 40..<50: actions = connection.received(hello(id: id), at: now)
      case 50..<58: actions = connection.received(cancel(id: 9, of: id), at: now)
      case 58..<62: actions = connection.received(ping(id: id), at: now)
      case 62..<64: actions = connection.received(.with { $0.id = id }, at: now)
      case 64..<84: actions = connection.answered(answer(id: id))
      case 84..<95: actions = connection.tick(at: now)
      case 95: actions = connection.received(malformed: ZooError(.invalidArgument, "no"))
      case 96: actions = connection.lost(.empty)
      case 97: actions = connection.drain()
      case 98:
        actions = connection.disconnected()
        hasDisconnected = true
      default: actions = []
      }
      ledger.take(actions)
      if hasDisconnected { ledger.isClosed = true }
      #expect(connection.isClosed == ledger.isClosed)
      #expect(connection.requestsInFlight == ledger.running.count)
      #expect(ledger.running.count <= Self.requestsInFlight)
      if let deadline = connection.nextDeadline, !ledger.running.isEmpty {
        #expect(deadline <= now + .milliseconds(90), "no request waits longer than the largest timeout")
      }
    }
    ledger.take(connection.disconnected())
    #expect(ledger.running.isEmpty, "every request has ended")
  }

  /// What the other side would see and run.
  private struct Ledger {
    var running: Set<UInt64> = []
    var isClosed = false

    mutating func take(_ actions: [ServerConnection.Action]) {
      // An abandoned request may still be told so, in the same breath.
      var abandonedNow: Set<UInt64> = []
      for action in actions {
        switch action {
        case .send(let response):
          #expect(!isClosed, "\(response) is sent after the close")
          if response.status.code == .ok, case .infer = response.result {
            #expect(running.remove(response.id) != nil, "\(response.id) is answered and does not run")
          } else if [.cancelled, .deadlineExceeded].contains(response.status.code), response.id != 0 {
            #expect(abandonedNow.remove(response.id) != nil, "\(response.id) was ended and not abandoned")
          }
        case .dispatch(let request, _):
          #expect(!isClosed, "\(request.id) is dispatched after the close")
          #expect(running.insert(request.id).inserted, "\(request.id) is dispatched twice")
        case .abandon(let id):
          #expect(running.remove(id) != nil, "\(id) is abandoned and does not run")
          abandonedNow.insert(id)
        case .close:
          #expect(!isClosed, "closed twice")
          #expect(running.isEmpty, "closed while requests run")
          isClosed = true
        }
      }
    }
  }
}
