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
      let (answers, isServerGone) = try await Pictures.ask(about: files, atMost: 4) { file in
        let (labels, _) = try await client.classify(try Files.read(URL(filePath: file)), by: model, topK: topK)
        return Answer(
          picture: file, labels: labels.map { .init(index: $0.index, name: $0.name, probability: $0.probability) })
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
          Output.print(Pictures.bars(answer.labels.map { ($0.name, $0.probability) }))
        }
      }
      try Pictures.exit(
        failed: answers.count { $0.error != nil }, of: answers.count, isServerGone: isServerGone)
    }
  }
}
