import ArgumentParser
import Foundation
import ZooClient
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

  static func exit(failed: Int, of count: Int) throws {
    guard failed > 0 else { return }
    throw failed < count ? ExitCode(4) : ExitCode(1)
  }
}
