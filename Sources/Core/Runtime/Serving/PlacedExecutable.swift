import Synchronization
import ZooBackend
import ZooGraph
import ZooTensor

/// A network on the best backend that can run it, which moves to the next when that one is out of use.
final class PlacedExecutable: Executable {
  private struct State {
    var executable: any Executable
    var device: String
    /// Where it may still move, in order of preference.
    var others: [any Backend]
  }

  private let graph: Graph
  private let options: CompileOptions
  private let state: Mutex<State>

  /// Compiles for the first backend that can.
  ///
  /// - Parameter backends: in order of preference; at least one.
  /// - Throws: what the last of them throws; at once whatever another backend would not do better.
  init(_ graph: Graph, options: CompileOptions, backends: [any Backend]) throws {
    self.graph = graph
    self.options = options
    state = Mutex(try Self.compile(graph, options, backends))
  }

  /// As a backend is named.
  var device: String { state.withLock { $0.device } }

  /// On the backend where it is now.
  var current: any Executable { state.withLock { $0.executable } }

  var memory: MemoryUse { current.memory }

  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    let executable = current
    do {
      return try executable.run(inputs)
    } catch let error as BackendError where error.code == .unavailable {
      return try moved(from: executable, after: error).run(inputs)
    }
  }

  /// Leaves the backend where it is for the next.
  ///
  /// - Returns: false where there is none.
  func moveOn() throws -> Bool {
    try state.withLock { state in
      guard !state.others.isEmpty else { return false }
      state = try Self.compile(graph, options, state.others)
      return true
    }
  }

  private func moved(from executable: any Executable, after error: BackendError) throws -> any Executable {
    try state.withLock { state in
      // Another call may have moved it already.
      if (state.executable as AnyObject) === (executable as AnyObject) {
        guard !state.others.isEmpty else { throw error }
        state = try Self.compile(graph, options, state.others)
      }
      return state.executable
    }
  }

  private static func compile(_ graph: Graph, _ options: CompileOptions, _ backends: [any Backend]) throws -> State {
    for (index, backend) in backends.enumerated() {
      let others = Array(backends[(index + 1)...])
      do {
        return State(executable: try backend.compile(graph, options: options), device: backend.name, others: others)
      } catch let error as BackendError where error.isOfTheBackend && !others.isEmpty {
        continue
      }
    }
    throw BackendError(.unavailable, "there is no backend to run the network")
  }
}

extension BackendError {
  /// True where another backend may do what this one cannot.
  fileprivate var isOfTheBackend: Bool {
    switch code {
    case .unavailable, .unsupported, .outOfMemory: true
    case .invalidInput, .internalFailure: false
    }
  }
}
