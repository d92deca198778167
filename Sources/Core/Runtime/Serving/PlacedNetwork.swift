import Synchronization
import ZooBackend
import ZooGraph

/// A network on the best backend that can run it, or on several GPUs at once, which goes on elsewhere when those are out of
/// use.
final class PlacedNetwork: Sendable {
  /// Instances of the network on one backend: as many calls at once, which share what was compiled and its weights.
  struct Place: Sendable {
    let backend: any Backend
    let executable: any Executable
    fileprivate(set) var instances = 0

    /// As its backend is named. No other place of the network has the same name, now or later.
    var device: String { backend.name }
  }

  private struct State {
    /// At least one; all of one kind.
    var places: [Place] = []
    /// Where it may still move, in order of preference.
    var others: [any Backend]
    /// Why it is not on those before: `cuda: it has no room`.
    var departures: [String]
  }

  private let graph: Graph
  private let options: CompileOptions
  private let placeCount: Int
  private let state: Mutex<State>
  /// Held while it moves. What it is and where can be asked meanwhile, and calls go on where it was.
  private let moving = Mutex(())

  /// Compiles for the first backends that can.
  ///
  /// - Parameters:
  ///   - options: its concurrent calls are the instances, as evenly spread over the places as may be.
  ///   - backends: in order of preference; at least one.
  ///   - placeCount: on how many of them it is at once, at most, all of the kind of the first that can.
  /// - Throws: what the last of them throws, and why none before it would; at once whatever another backend would not do
  ///   better.
  init(_ graph: Graph, options: CompileOptions, backends: [any Backend], placeCount: Int = 1) throws {
    self.graph = graph
    self.options = options
    self.placeCount = placeCount
    state = Mutex(try Self.compile(graph, options, backends, placeCount, []))
  }

  /// At least one.
  var places: [Place] { state.withLock { $0.places } }

  /// As backends are named, in order.
  var devices: [String] {
    places.map(\.device).sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
  }

  /// Pictures of so many bytes become tensors where it is, rather than on the processor before.
  var largestPicture: Int { places[0].executable.largestPicture }

  /// Why it is not on a backend that was preferred; empty where it is on the first.
  var departures: String { state.withLock { $0.departures.joined(separator: "; ") } }

  var memory: MemoryUse {
    places.map(\.executable.memory).reduce(MemoryUse(weights: 0, activations: 0)) {
      MemoryUse(weights: $0.weights + $1.weights, activations: $0.activations + $1.activations)
    }
  }

  /// Leaves a place with its instances; where it was the last, for the next backends. Does nothing where it has left already.
  ///
  /// - Throws: where nothing is left that can run the network, ``BackendError`` with the code `unavailable`, or `error` if
  ///   it is of another type. It is where it was then.
  func leave(_ place: Place, because error: any Error) throws {
    try moving.withLock { _ in
      let now = state.withLock { $0 }
      guard now.places.contains(where: { $0.device == place.device }) else { return }
      let departures = now.departures + ["\(place.device): \(error)"]
      var next = now
      if now.places.count > 1 {
        next.places.removeAll { $0.device == place.device }
        next.departures = departures
      } else if now.others.isEmpty {
        guard let error = error as? BackendError else { throw error }
        throw BackendError(.unavailable, (["\(error)"] + now.departures).joined(separator: "; "), cause: error.cause)
      } else {
        // Requests wait: nothing is measured now.
        var options = options
        options.tuning = Tuning(options.tuning.choices)
        do {
          next = try Self.compile(graph, options, now.others, placeCount, departures)
        } catch let failure as BackendError {
          // Nothing runs here any more, and nothing can elsewhere.
          throw BackendError(.unavailable, failure.message, cause: error)
        }
      }
      state.withLock { $0 = next }
    }
  }

  private static func compile(
    _ graph: Graph, _ options: CompileOptions, _ backends: [any Backend], _ placeCount: Int, _ departures: [String]
  ) throws -> State {
    var state = State(others: backends, departures: departures)
    while state.places.count < placeCount, let backend = state.others.first,
      state.places.isEmpty || state.places[0].backend.kind == backend.kind
    {
      state.others.removeFirst()
      do {
        state.places.append(Place(backend: backend, executable: try backend.compile(graph, options: options)))
      } catch let error as BackendError where error.isOfTheBackend && !(state.places.isEmpty && state.others.isEmpty) {
        state.departures.append("\(backend.name): \(error)")
      } catch let error as BackendError where !state.departures.isEmpty {
        throw BackendError(error.code, (["\(error)"] + state.departures).joined(separator: "; "), cause: error.cause)
      }
    }
    guard !state.places.isEmpty else { throw BackendError(.unavailable, "there is no backend to run the network") }
    let count = state.places.count
    for index in 0..<count { state.places[index].instances = (options.concurrentCalls + count - 1 - index) / count }
    return state
  }
}

extension BackendError {
  /// True where the backend runs nothing any more.
  var endsTheBackend: Bool { code == .unavailable || code == .deviceLost }

  /// True where another backend may do what this one cannot.
  fileprivate var isOfTheBackend: Bool {
    switch code {
    case .unavailable, .deviceLost, .unsupported, .outOfMemory, .internalFailure: true
    case .invalidInput: false
    }
  }
}
