import Foundation
import Glibc
import Synchronization
import ZooReporting

/// How far long work has come: a bar on a terminal, a line now and then elsewhere, nothing where it is unwanted.
final class ProgressBar: Sendable {
  private struct State {
    var done = 0.0
    var drawn = ContinuousClock.now - .seconds(60)
    /// When it began to move, and from where: what was done before says nothing of the rate.
    var start: (time: ContinuousClock.Instant, done: Double)?
  }

  private static let width = 30

  private let title: String
  private let total: Double
  private let describe: @Sendable (Double) -> String
  private let isWanted: Bool
  private let showsRate: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  /// - Parameters:
  ///   - showsRate: how many a second, and how long it will take.
  ///   - describe: an amount, for people.
  init(
    _ title: String, total: Double, isWanted: Bool = true, showsRate: Bool = false,
    describe: @escaping @Sendable (Double) -> String
  ) {
    self.title = title
    self.total = total
    self.isWanted = isWanted
    self.showsRate = showsRate
    self.describe = describe
  }

  func advance(by amount: Double = 1) {
    update { $0 + amount }
  }

  func advance(to amount: Double) {
    update { _ in amount }
  }

  private func update(_ change: (Double) -> Double) {
    guard isWanted else { return }
    state.withLock { state in
      state.done = change(state.done)
      if state.start == nil { state.start = (.now, state.done) }
      let pause: Duration = isTerminal ? .milliseconds(50) : .seconds(5)
      guard state.drawn.duration(to: .now) >= pause || state.done >= total else { return }
      state.drawn = .now
      let share = total > 0 ? min(1, state.done / total) : 1
      let text = "\(title) \(describe(state.done)) of \(describe(total))\(rate(state))"
      if isTerminal {
        let filled = Int(share * Double(Self.width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        Output.note("\r\(bar) \(text)\u{1B}[K", terminator: state.done >= total ? "\n" : "")
      } else {
        Output.note(text)
      }
    }
  }

  private func rate(_ state: State) -> String {
    guard showsRate, let start = state.start else { return "" }
    let seconds = start.time.duration(to: .now) / .seconds(1)
    guard seconds > 0.5, state.done > start.done else { return "" }
    let rate = (state.done - start.done) / seconds
    let left = state.done < total ? ", \(Units.duration((total - state.done) / rate)) left" : ""
    return String(format: rate < 10 ? ", %.1f a second" : ", %.0f a second", rate) + left
  }
}
