import ArgumentParser
import Foundation
import ZooClient
import ZooProtocol

struct ClassifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Names what is in pictures.",
    discussion:
      "Without --model the only classifier that serves is asked. The model may also stand before the pictures.")

  @Argument(help: "The model, if it is not given by --model, and JPEG or PNG files.", completion: .file())
  var pictures: [String]

  @Option(help: "The model.")
  var model: ModelReference?

  @Option(name: [.customShort("k"), .long], help: "How many names.")
  var topK: Int?

  @OptionGroup var options: ServerOptions

  private struct Answer: Encodable {
    struct Label: Encodable {
      let index: UInt32
      let name: String
      let probability: Float
    }
    let picture: String
    var labels: [Label] = []
    var error: String?
  }

  func run() async throws {
    let (named, files) = try Pictures.split(pictures, model: model)
    let (topK, asJSON) = (topK, options.json)
    try await options.withClient { client in
      let model = try await client.model(named, ofPlugin: "classifier")
      let answers = try await files.concurrently(atMost: 4) { file in
        var answer = Answer(picture: file)
        do {
          let (labels, _) = try await client.classify(try Files.read(URL(filePath: file)), by: model, topK: topK)
          answer.labels = labels.map { .init(index: $0.index, name: $0.name, probability: $0.probability) }
        } catch let error as ZooError where error.code != .unavailable {
          answer.error = error.message
        }
        return answer
      }
      if asJSON {
        try Output.json(answers)
      } else {
        for answer in answers {
          Output.print(Output.bold(answer.picture))
          if let error = answer.error { Output.note("zoo: \(answer.picture): \(error)") }
          Output.print(Pictures.bars(answer.labels.map { ($0.name, $0.probability) }))
        }
      }
      try Pictures.exit(failed: answers.count { $0.error != nil }, of: answers.count)
    }
  }
}

struct HashCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hash",
    abstract: "Hashes product pictures for visual search, and names their categories.",
    discussion: "Without --model the only hasher that serves is asked. The model may also stand before the pictures.")

  @Argument(help: "The model, if it is not given by --model, and JPEG or PNG files.", completion: .file())
  var pictures: [String]

  @Option(help: "The model.")
  var model: ModelReference?

  @Option(name: [.customShort("k"), .long], help: "How many categories.")
  var topK: Int?

  @OptionGroup var options: ServerOptions

  private struct Answer: Encodable {
    struct Category: Encodable {
      let name: String
      let probability: Float
    }
    let picture: String
    var bits: UInt32 = 0
    /// Hexadecimal, the first byte first.
    var code = ""
    var categories: [Category] = []
    var error: String?
  }

  func run() async throws {
    let (named, files) = try Pictures.split(pictures, model: model)
    let (topK, asJSON) = (topK, options.json)
    try await options.withClient { client in
      let model = try await client.model(named, ofPlugin: "search-hasher")
      let answers = try await files.concurrently(atMost: 4) { file in
        var answer = Answer(picture: file)
        do {
          let (code, categories, _) = try await client.hash(try Files.read(URL(filePath: file)), by: model, topK: topK)
          answer.bits = code.bits
          answer.code = code.data.map { String(format: "%02x", $0) }.joined()
          answer.categories = categories.map { .init(name: $0.name, probability: $0.probability) }
        } catch let error as ZooError where error.code != .unavailable {
          answer.error = error.message
        }
        return answer
      }
      if asJSON {
        try Output.json(answers)
      } else {
        for answer in answers {
          Output.print(Output.bold(answer.picture))
          if let error = answer.error {
            Output.note("zoo: \(answer.picture): \(error)")
            continue
          }
          Output.print("  \(answer.bits) bits  \(answer.code)")
          Output.print(Pictures.bars(answer.categories.map { ($0.name, $0.probability) }))
        }
      }
      try Pictures.exit(failed: answers.count { $0.error != nil }, of: answers.count)
    }
  }
}

/// What the commands for several pictures share.
private enum Pictures {
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
