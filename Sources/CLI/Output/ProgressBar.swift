import Foundation
import Glibc
import Synchronization

/// How far long work has come: a bar on a terminal, a line now and then elsewhere, nothing where it is unwanted.
final class ProgressBar: Sendable {
  private struct State {
    var done = 0.0
    var drawn = ContinuousClock.now - .seconds(60)
  }

  private static let width = 30

  private let title: String
  private let total: Double
  private let describe: @Sendable (Double) -> String
  private let isWanted: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  init(_ title: String, total: Double, isWanted: Bool = true, describe: @escaping @Sendable (Double) -> String) {
    self.title = title
    self.total = total
    self.isWanted = isWanted
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
      let pause: Duration = isTerminal ? .milliseconds(50) : .seconds(5)
      guard state.drawn.duration(to: .now) >= pause || state.done >= total else { return }
      state.drawn = .now
      let share = total > 0 ? min(1, state.done / total) : 1
      let text = "\(title) \(describe(state.done)) of \(describe(total))"
      if isTerminal {
        let filled = Int(share * Double(Self.width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        Output.note("\r\(bar) \(text)\u{1B}[K", terminator: state.done >= total ? "\n" : "")
      } else {
        Output.note(text)
      }
    }
  }
}
