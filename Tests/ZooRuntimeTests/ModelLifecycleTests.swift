import Testing
import ZooProtocol

@testable import ZooRuntime

struct ModelLifecycleTests {
  @Test func goesFromStartToEndInOrder() {
    var lifecycle = ModelLifecycle()
    let steps: [(ModelLifecycle.Event, WireModelState)] = [
      (.verified, .loading), (.loaded, .selfTest), (.passed, .available), (.drain(reason: "unloaded"), .draining),
      (.drained, .ended),
    ]
    for (event, state) in steps {
      do {
        let result = lifecycle.handle(event)
        #expect(result)
      }
      #expect(lifecycle.state == state)
      #expect(lifecycle.takesRequests == (state == .available))
    }
    #expect(lifecycle.reason == "unloaded")
  }

  @Test func keepsTheReasonOfAFailure() {
    for events: [ModelLifecycle.Event] in [[], [.verified], [.verified, .loaded]] {
      var lifecycle = ModelLifecycle()
      for event in events {
        do {
          let result = lifecycle.handle(event)
          #expect(result)
        }
      }
      do {
        let result = lifecycle.handle(.failed(reason: "NaN"))
        #expect(result)
      }
      #expect(lifecycle.state == .ended)
      #expect(lifecycle.reason == "NaN")
    }
  }

  @Test func refusesWhatCannotHappen() {
    let events: [ModelLifecycle.Event] = [
      .verified, .loaded, .passed, .failed(reason: "x"), .drain(reason: "y"), .drained,
    ]
    let legal: [WireModelState: Set<Int>] = [
      .starting: [0, 3], .loading: [1, 3], .selfTest: [2, 3], .available: [4], .draining: [5], .ended: [],
    ]
    let paths: [WireModelState: [Int]] = [
      .starting: [], .loading: [0], .selfTest: [0, 1], .available: [0, 1, 2], .draining: [0, 1, 2, 4],
      .ended: [0, 1, 2, 4, 5],
    ]
    for (state, path) in paths {
      for (index, event) in events.enumerated() {
        var lifecycle = ModelLifecycle()
        for step in path { _ = lifecycle.handle(events[step]) }
        #expect(lifecycle.state == state)
        let before = lifecycle
        let happened = lifecycle.handle(event)
        #expect(happened == legal[state]?.contains(index))
        if !happened { #expect(lifecycle == before) }
      }
    }
  }
}
