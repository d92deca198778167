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
    /// Why it is not on those before: `cuda: it has no room`.
    var departures: [String] = []
  }

  private let graph: Graph
  private let options: CompileOptions
  private let state: Mutex<State>
  /// Held while it moves. What it is and where can be asked meanwhile, and calls go on where it was.
  private let moving = Mutex(())

  /// Compiles for the first backend that can.
  ///
  /// - Parameter backends: in order of preference; at least one.
  /// - Throws: what the last of them throws, and why none before it would; at once whatever another backend would not do
  ///   better.
  init(_ graph: Graph, options: CompileOptions, backends: [any Backend]) throws {
    self.graph = graph
    self.options = options
    state = Mutex(try Self.compile(graph, options, backends, []))
  }

  /// As a backend is named.
  var device: String { state.withLock { $0.device } }

  /// Why it is not on a backend that was preferred; empty where it is on the first.
  var departures: String { state.withLock { $0.departures.joined(separator: "; ") } }

  /// On the backend where it is now.
  var current: any Executable { state.withLock { $0.executable } }

  var memory: MemoryUse { current.memory }

  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    let now = state.withLock { $0 }
    do {
      return try now.executable.run(inputs)
    } catch let error as BackendError where error.code == .unavailable {
      return try move(from: now, because: error).run(inputs)
    }
  }

  /// Leaves the backend where it is for the next.
  ///
  /// - Throws: `error` where there is none that can run the network.
  func moveOn(because error: any Error) throws {
    _ = try move(from: state.withLock { $0 }, because: error)
  }

  private func move(from place: State, because error: any Error) throws -> any Executable {
    try moving.withLock { _ in
      let now = state.withLock { $0 }
      // Another call may have moved it already.
      guard now.departures.count == place.departures.count else { return now.executable }
      guard !now.others.isEmpty else { throw error }
      // Requests wait: nothing is measured now.
      var options = options
      options.tuning = Tuning(options.tuning.choices)
      let next: State
      do {
        next = try Self.compile(graph, options, now.others, now.departures + ["\(now.device): \(error)"])
      } catch let failure as BackendError {
        // Nothing runs here any more, and nothing can elsewhere.
        throw BackendError(.unavailable, failure.message, cause: error)
      }
      state.withLock { $0 = next }
      return next.executable
    }
  }

  private static func compile(
    _ graph: Graph, _ options: CompileOptions, _ backends: [any Backend], _ departures: [String]
  ) throws -> State {
    var departures = departures
    for (index, backend) in backends.enumerated() {
      let others = Array(backends[(index + 1)...])
      do {
        return State(
          executable: try backend.compile(graph, options: options), device: backend.name, others: others,
          departures: departures)
      } catch let error as BackendError where error.isOfTheBackend && !others.isEmpty {
        departures.append("\(backend.name): \(error)")
      } catch let error as BackendError where !departures.isEmpty {
        throw BackendError(error.code, (["\(error)"] + departures).joined(separator: "; "), cause: error.cause)
      }
    }
    throw BackendError(.unavailable, "there is no backend to run the network")
  }
}

extension BackendError {
  /// True where another backend may do what this one cannot.
  fileprivate var isOfTheBackend: Bool {
    switch code {
    case .unavailable, .unsupported, .outOfMemory, .internalFailure: true
    case .invalidInput: false
    }
  }
}
