import Testing
import ZooProtocol

@testable import ZooRuntime

struct ModelLifecycleTests {
  /// The lifecycle after these events, and whether each of them could happen.
  private func lifecycle(after events: [ModelLifecycle.Event]) -> (lifecycle: ModelLifecycle, happened: [Bool]) {
    var lifecycle = ModelLifecycle()
    let happened = events.map { lifecycle.handle($0) }
    return (lifecycle, happened)
  }

  @Test func goesFromStartToEndInOrder() {
    let events: [ModelLifecycle.Event] = [.verified, .loaded, .passed, .drain(reason: "unloaded"), .drained]
    let states: [WireModelState] = [.starting, .loading, .selfTest, .available, .draining, .ended]
    for (count, state) in states.enumerated() {
      let (lifecycle, happened) = lifecycle(after: Array(events.prefix(count)))
      #expect(!happened.contains(false))
      #expect(lifecycle.state == state)
      #expect(lifecycle.takesRequests == (state == .available))
    }
    #expect(lifecycle(after: events).lifecycle.reason == "unloaded")
  }

  @Test(arguments: [[], [.verified], [.verified, .loaded]] as [[ModelLifecycle.Event]])
  func keepsTheReasonOfAFailure(before: [ModelLifecycle.Event]) {
    let (lifecycle, happened) = lifecycle(after: before + [.failed(reason: "NaN")])
    #expect(!happened.contains(false))
    #expect(lifecycle.state == .ended)
    #expect(lifecycle.reason == "NaN")
  }

  @Test func refusesWhatCannotHappen() {
    let events: [ModelLifecycle.Event] = [
      .verified, .loaded, .passed, .failed(reason: "x"), .drain(reason: "y"), .drained,
    ]
    // For each state: the way there, and which of the events may happen.
    let rows: [(state: WireModelState, way: [Int], legal: Set<Int>)] = [
      (.starting, [], [0, 3]), (.loading, [0], [1, 3]), (.selfTest, [0, 1], [2, 3]), (.available, [0, 1, 2], [4]),
      (.draining, [0, 1, 2, 4], [5]), (.ended, [0, 1, 2, 4, 5], []),
    ]
    for row in rows {
      let before = lifecycle(after: row.way.map { events[$0] }).lifecycle
      #expect(before.state == row.state)
      for (index, event) in events.enumerated() {
        var after = before
        let happened = after.handle(event)
        #expect(happened == row.legal.contains(index), "\(event) in \(row.state)")
        #expect(happened || after == before)
      }
    }
  }
}
