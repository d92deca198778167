import Synchronization
import ZooItems

/// What is in memory of an index that is open, as it is now.
final class Resident: Sendable {
  private enum State {
    case open(Memory)
    case ended(SearchError)
  }

  private let state: Mutex<State>

  init(_ memory: Memory) { state = Mutex(.open(memory)) }

  func memory() throws(SearchError) -> Memory {
    switch state.withLock({ $0 }) {
    case .open(let memory): return memory
    case .ended(let error): throw error
    }
  }

  func replace(_ memory: Memory) {
    state.withLock { state in
      if case .open = state { state = .open(memory) }
    }
  }

  /// From now on everything fails with an error, the first that is given.
  func end(_ error: SearchError) {
    state.withLock { state in
      if case .open = state { state = .ended(error) }
    }
  }
}
