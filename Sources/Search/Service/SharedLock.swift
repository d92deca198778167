import Synchronization

/// Lets any number of tasks in at a time, or one that must be alone. Who asks first comes first.
final class SharedLock: Sendable {
  private struct State {
    var inside = 0
    var isExclusive = false
    var waiting: [(isExclusive: Bool, continuation: CheckedContinuation<Void, Never>)] = []

    func mayEnter(exclusively: Bool) -> Bool { exclusively ? inside == 0 : !isExclusive }
  }

  private let state = Mutex(State())

  func shared<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    await enter(exclusively: false)
    defer { leave() }
    return try await body()
  }

  func exclusive<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    await enter(exclusively: true)
    defer { leave() }
    return try await body()
  }

  private func enter(exclusively: Bool) async {
    await withCheckedContinuation { continuation in
      let enters = state.withLock { state in
        guard state.waiting.isEmpty, state.mayEnter(exclusively: exclusively) else {
          state.waiting.append((exclusively, continuation))
          return false
        }
        state.inside += 1
        state.isExclusive = exclusively
        return true
      }
      if enters { continuation.resume() }
    }
  }

  private func leave() {
    let entering = state.withLock { state in
      state.inside -= 1
      if state.inside == 0 { state.isExclusive = false }
      var entering: [CheckedContinuation<Void, Never>] = []
      while let next = state.waiting.first, state.mayEnter(exclusively: next.isExclusive) {
        state.waiting.removeFirst()
        state.inside += 1
        state.isExclusive = next.isExclusive
        entering.append(next.continuation)
      }
      return entering
    }
    for continuation in entering { continuation.resume() }
  }
}
