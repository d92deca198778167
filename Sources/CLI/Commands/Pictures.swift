import ArgumentParser
import Foundation
import Synchronization
import ZooClient
import ZooProtocol
import ZooReporting

/// What the commands for several pictures share.
enum Pictures {
  /// Takes the model off the front of the arguments, where it is one and not a file.
  static func split(_ arguments: [String], model: ModelReference?) throws -> (ModelReference?, [String]) {
    if model == nil, let first = arguments.first, arguments.count > 1, let model = ModelReference(first),
      !FileManager.default.fileExists(atPath: first)
    {
      return (model, Array(arguments.dropFirst()))
    }
    return (model, arguments)
  }

  /// Names with their probabilities, and how long they are.
  static func bars(_ rows: [(name: String, probability: Float)]) -> String {
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { row in
      let name = row.name + String(repeating: " ", count: width - row.name.count)
      let percent = Units.percent(row.probability)
      let bar = String(repeating: "█", count: Int((row.probability * 24).rounded()))
      return "  \(name)  \(String(repeating: " ", count: 7 - min(7, percent.count)))\(percent)  \(bar)"
    }.joined(separator: "\n")
  }

  /// Asks the server about every item, some at once. What is in flight when the server goes is waited for, and nothing is asked
  /// after that.
  ///
  /// - Parameter failed: the answer in place of one.
  static func ask<Item: Sendable, Answer: Sendable>(
    about items: [Item], atMost limit: Int, _ ask: @escaping @Sendable (Item) async throws -> Answer,
    failed: @escaping @Sendable (Item, String) -> Answer
  ) async throws -> (answers: [Answer], isServerGone: Bool) {
    let gone = GoneServer()
    let answers = try await items.concurrently(atMost: limit) { item in
      if let reason = gone.reason { return failed(item, "not asked: \(reason)") }
      do {
        return try await ask(item)
      } catch let error as ZooError {
        if error.code == .unavailable { gone.reason = error.message }
        return failed(item, error.message)
      }
    }
    return (answers, gone.reason != nil)
  }

  private final class GoneServer: Sendable {
    private let state = Mutex<String?>(nil)

    var reason: String? {
      get { state.withLock { $0 } }
      set { state.withLock { $0 = newValue } }
    }
  }

  static func exit(failed: Int, of count: Int, isServerGone: Bool = false) throws {
    guard failed > 0 else { return }
    throw isServerGone ? ExitCode(3) : failed < count ? ExitCode(4) : ExitCode(1)
  }
}
