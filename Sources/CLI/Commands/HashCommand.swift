import ArgumentParser
import Foundation
import ZooClient
import ZooProtocol

struct HashCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hash",
    abstract: "Hashes product pictures for visual search, and names their categories and attributes.",
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
    struct Attribute: Encodable {
      let name: String
      let value: String
      let probability: Float
    }
    let picture: String
    var bits: UInt32 = 0
    /// Hexadecimal, the first byte first.
    var code = ""
    var categories: [Category] = []
    var attributes: [Attribute] = []
    var error: String?
  }

  func run() async throws {
    let (named, files) = try Pictures.split(pictures, model: model)
    let (topK, asJSON) = (topK, options.json)
    try await options.withClient { client in
      let model = try await client.model(named, ofPlugin: "search-hasher")
      let (answers, isServerGone) = try await Pictures.ask(about: files, atMost: 4) { file in
        let (code, categories, attributes, _) = try await client.hash(
          try Files.read(URL(filePath: file)), by: model, topK: topK)
        return Answer(
          picture: file, bits: code.bits, code: code.data.map { String(format: "%02x", $0) }.joined(),
          categories: categories.map { .init(name: $0.name, probability: $0.probability) },
          attributes: attributes.map { .init(name: $0.name, value: $0.value.name, probability: $0.value.probability) })
      } failed: { file, error in
        Answer(picture: file, error: error)
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
          if !answer.attributes.isEmpty {
            Output.print(Pictures.bars(answer.attributes.map { ("\($0.name): \($0.value)", $0.probability) }))
          }
        }
      }
      try Pictures.exit(
        failed: answers.count { $0.error != nil }, of: answers.count, isServerGone: isServerGone)
    }
  }
}
