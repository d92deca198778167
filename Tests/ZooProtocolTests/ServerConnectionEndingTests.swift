import Testing
import ZooProtocol

struct ServerConnectionEndingTests {
  private static let limits = ProtocolLimits(defaultTimeout: .seconds(30), maximumTimeout: .seconds(600))

  // MARK: Timeouts

  @Test(
    arguments: [
      (0, .seconds(30)), (1, .milliseconds(1)), (600_000, .seconds(600)), (600_001, .seconds(600)),
      (.max, .seconds(600)),
    ] as [(UInt32, Duration)])
  func aRequestGetsTheTimeThatItAsksForUpToTheLargest(timeout: UInt32, expected: Duration) {
    var connection = ServerConnection.open(as: "caller", Self.limits)
    #expect(connection.received(infer(id: 5, timeout: timeout), at: start).deadlines == [start + expected])
    #expect(connection.nextDeadline == start + expected)
  }

  @Test func theNextDeadlineIsTheEarliest() {
    var connection = ServerConnection.open(as: "caller", Self.limits)
    for (id, timeout) in [(1, 300), (2, 100), (3, 200)] as [(UInt64, UInt32)] {
      _ = connection.received(infer(id: id, timeout: timeout), at: start)
    }
    #expect(connection.nextDeadline == start + .milliseconds(100))
    _ = connection.answered(answer(id: 2))
    #expect(connection.nextDeadline == start + .milliseconds(200))
  }

  @Test func requestsWhoseTimeIsOverAreAbandonedAndAnswered() {
    var connection = ServerConnection.open(as: "caller", Self.limits)
    for (id, timeout) in [(1, 300), (2, 100), (3, 200)] as [(UInt64, UInt32)] {
      _ = connection.received(infer(id: id, timeout: timeout), at: start)
    }
    #expect(connection.tick(at: start + .milliseconds(99)) == [])
    let actions = connection.tick(at: start + .milliseconds(200))
    #expect(actions.abandoned == [2, 3])
    #expect(actions.sent.map(\.id) == [2, 3])
    #expect(actions.sent.allSatisfy { $0.status.code == .deadlineExceeded })
    #expect(connection.answered(answer(id: 2)) == [])
    #expect(connection.nextDeadline == start + .milliseconds(300))
    #expect(!connection.isClosed)
  }

  // MARK: Draining

  @Test func anIdleConnectionDrainsAtOnce() {
    var connection = ServerConnection.open()
    #expect(connection.drain() == [.close])
    #expect(connection.isClosed)
  }

  @Test func drainingAnswersWhatIsInFlightThenCloses() {
    var connection = ServerConnection.busy([5, 6])
    #expect(connection.drain() == [])
    connection.received(infer(id: 7), at: start).expectFailure(.unavailable, of: 7)
    connection.received(ping(id: 8), at: start).expectFailure(.unavailable, of: 8)
    #expect(connection.answered(answer(id: 6)) == [.send(answer(id: 6))])
    #expect(connection.answered(answer(id: 5)) == [.send(answer(id: 5)), .close])
    #expect(connection.isClosed)
  }

  @Test func aRequestCanBeCancelledWhileTheConnectionDrains() {
    var connection = ServerConnection.busy([5])
    _ = connection.drain()
    connection.received(cancel(id: 0, of: 5), at: start).expectFailure(.unavailable, of: 0)
    let actions = connection.received(cancel(id: 6, of: 5), at: start)
    #expect(actions.abandoned == [5])
    #expect(actions.sent.map(\.status.code) == [.cancelled, .ok])
    #expect(actions.last == .close)
  }

  @Test func aTimeoutEndsADrainingConnection() {
    var connection = ServerConnection.busy([5], Self.limits)
    _ = connection.drain()
    let actions = connection.tick(at: start + .seconds(30))
    #expect(actions.abandoned == [5])
    #expect(actions.sent.map(\.status.code) == [.deadlineExceeded])
    #expect(actions.last == .close)
  }

  // MARK: What cannot be read

  @Test func aMalformedFrameIsReportedAndTheConnectionGoesOn() {
    var connection = ServerConnection.busy([5])
    connection.received(malformed: ZooError(.invalidArgument, "no")).expectFailure(.invalidArgument, of: 0)
    #expect(connection.received(infer(id: 6), at: start).dispatched == [6])
    #expect(connection.answered(answer(id: 5)).sent.count == 1)
  }

  @Test(
    arguments: [
      (.empty, .invalidArgument), (.tooLong(declared: 9, maximum: 1), .resourceExhausted),
      (.truncated(received: 2), .dataLoss),
    ] as [(FrameError, WireStatusCode)])
  func afterLostFramesWhatIsInFlightIsAnsweredThenItCloses(error: FrameError, code: WireStatusCode) {
    var connection = ServerConnection.busy([5, 6])
    connection.lost(error).expectFailure(code, of: 0)
    #expect(connection.answered(answer(id: 5)) == [.send(answer(id: 5))])
    #expect(connection.answered(answer(id: 6)) == [.send(answer(id: 6)), .close])
  }

  @Test func lostFramesCloseAnIdleConnectionAtOnce() {
    var connection = ServerConnection.open()
    connection.lost(.empty).expectFailure(.invalidArgument, of: 0, closing: true)
  }

  // MARK: The end

  @Test func aClientThatIsGoneLeavesNothingBehind() {
    var connection = ServerConnection.busy([7, 5, 6])
    #expect(connection.disconnected() == [.abandon(id: 5), .abandon(id: 6), .abandon(id: 7)])
    #expect(connection.requestsInFlight == 0)
    #expect(connection.nextDeadline == nil)
    #expect(connection.disconnected() == [])
  }

  @Test func aClosedConnectionDoesNothingMore() {
    var connection = ServerConnection.busy([5])
    _ = connection.disconnected()
    #expect(connection.isClosed)
    #expect(connection.received(infer(id: 6), at: start) == [])
    #expect(connection.received(malformed: ZooError(.invalidArgument, "no")) == [])
    #expect(connection.lost(.empty) == [])
    #expect(connection.answered(answer(id: 5)) == [])
    #expect(connection.tick(at: start + .seconds(1000)) == [])
    #expect(connection.drain() == [])
  }
}
