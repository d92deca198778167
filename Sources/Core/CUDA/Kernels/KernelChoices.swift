import Foundation
import Synchronization

/// Which of several kernels does a piece of work fastest on a card: found by trying them when a network is loaded, and kept
/// on disk beside the kernels.
///
/// They all give the same bits, so a choice shows in nothing but time.
final class KernelChoices: Sendable {
  private struct State {
    /// Names of kernels by what they do.
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

  /// The best of `kernels`.
  ///
  /// - Parameters:
  ///   - kernels: at least one; the first where nobody knows better.
  ///   - work: what they do, such that the same words mean the same times.
  ///   - seconds: takes the time of one; nil where nothing is to be tried, and nil for a time that cannot be taken.
  func best(of kernels: [Kernel], for work: String, seconds: ((Kernel) -> Double?)?) -> Kernel {
    guard kernels.count > 1 else { return kernels[0] }
    // Within the lock: what is tried at the same time takes the longer.
    return state.withLock { state in
      if let known = state.known[work].flatMap(Kernel.init), kernels.contains(known) { return known }
      guard let seconds, let first = seconds(kernels[0]) else { return kernels[0] }
      var best = (kernel: kernels[0], seconds: first)
      for kernel in kernels.dropFirst() {
        guard let time = seconds(kernel) else { return kernels[0] }
        // What is faster by less than the clock tells apart is no better.
        if time < 0.98 * best.seconds { best = (kernel, time) }
      }
      state.known[work] = best.kernel.rawValue
      state.isSaved = false
      return best.kernel
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
