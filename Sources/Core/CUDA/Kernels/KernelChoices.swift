import Foundation
import Synchronization

/// Which of several ways does a piece of work fastest on a card: found by trying them when a network is loaded, and kept on
/// disk beside the kernels.
final class KernelChoices: Sendable {
  private struct State {
    /// Names by what they do.
    var known: [String: String] = [:]
    var isSaved = true
  }

  private let state = Mutex(State())
  private let cache: KernelCache?
  private let file: URL?

  /// - Parameter identity: all that the times depend on besides the work.
  init(cache: KernelCache?, identity: [String]) {
    self.cache = cache
    file = cache?.file(for: identity, extension: "choices")
    guard let file, let bytes = cache?.read(file) else { return }
    let known = try? JSONDecoder().decode([String: String].self, from: Data(bytes))
    state.withLock { $0.known = known ?? [:] }
  }

  /// What is the fastest for a piece of work, as far as that was found before.
  func known(for work: String) -> String? { state.withLock { $0.known[work] } }

  /// The best of several ways, by their names.
  ///
  /// - Parameters:
  ///   - names: at least one; the first where nobody knows better.
  ///   - work: what they do, such that the same words mean the same times.
  ///   - isKept: whether it is to be known from then on.
  ///   - seconds: takes the time of one; nil where nothing is to be tried, and nil for a time that cannot be taken.
  /// - Returns: which of `names`.
  func best(of names: [String], for work: String, isKept: Bool = true, seconds: ((Int) -> Double?)?) -> Int {
    guard names.count > 1 else { return 0 }
    // Within the lock: what is tried at the same time takes the longer.
    return state.withLock { state in
      if let known = state.known[work].flatMap({ names.firstIndex(of: $0) }) { return known }
      guard let seconds, let first = seconds(0) else { return 0 }
      var best = (index: 0, seconds: first)
      for index in names.indices.dropFirst() {
        guard let time = seconds(index) else { return 0 }
        // What is faster by less than the clock tells apart is no better.
        if time < 0.98 * best.seconds { best = (index, time) }
      }
      guard isKept else { return best.index }
      state.known[work] = names[best.index]
      state.isSaved = false
      return best.index
    }
  }

  /// Writes what was found since the last time. Where that fails it is found again by the next process.
  func save() {
    guard let cache, let file else { return }
    let known = state.withLock { state -> [String: String]? in
      defer { state.isSaved = true }
      return state.isSaved ? nil : state.known
    }
    guard let known, let data = try? JSONEncoder().encode(known) else { return }
    try? cache.write(Array(data), to: file)
  }
}
