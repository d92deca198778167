import ArgumentParser
import Foundation
import ZooClient
import ZooProtocol

struct IndexGetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Shows items of an index as they are stored, and writes their pictures.")

  @Argument(help: "The index.", completion: IndexNames.completion)
  var index: String

  @Argument(help: "The items' ids.")
  var ids: [String]

  @Option(name: .shortAndLong, help: "Write the pictures there.", completion: .directory)
  var outputFolder: String?

  @OptionGroup var options: ServerOptions

  private struct Answer: Encodable {
    let id: String
    var category = ""
    var attributes: [String: String] = [:]
    /// Whether the model named the category.
    var categoryPredicted = false
    /// Those that go by the model, also those that it has no value for.
    var predictedAttributes: [String] = []
    var link = ""
    var picture: String?
    var sha256 = ""
    var error: String?
  }

  func run() async throws {
    let (index, ids, asJSON) = (index, ids, options.json)
    let folder = outputFolder.map { URL(filePath: $0, directoryHint: .isDirectory) }
    try await options.withClient { client in
      // One after the other where there are pictures, which may be large.
      var answers: [Answer] = []
      for wanted in ids.inBatches(of: folder == nil ? 1000 : 1) {
        let found = try await client.items(wanted, of: index, pictures: folder != nil)
        let items = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        for id in wanted { answers.append(try Self.answer(id, items[id], folder: folder)) }
      }
      if asJSON {
        try Output.json(answers)
      } else {
        for answer in answers { Self.show(answer) }
      }
      try Pictures.exit(failed: answers.count { $0.error != nil }, of: answers.count)
    }
  }

  private static func answer(_ id: String, _ item: WireStoredItem?, folder: URL?) throws -> Answer {
    guard let item else { return Answer(id: id, error: "it is not there") }
    var answer = Answer(
      id: id, category: item.category, attributes: item.attributes, categoryPredicted: item.categoryPredicted,
      predictedAttributes: item.predictedAttributes, link: item.link, sha256: item.pictureSha256)
    if let folder, !item.picture.isEmpty {
      let format = item.picture.first == 0x89 ? "png" : "jpg"
      // An id may be anything; a file's name may not.
      let name = id.map { "/\\".contains($0) ? "_" : $0 }.drop { $0 == "." }
      let file = folder.appending(path: "\(String(name)).\(format)")
      try Files.write(item.picture, to: file)
      answer.picture = file.relativePath
    }
    return answer
  }

  private static func show(_ answer: Answer) {
    if let error = answer.error { return Output.note("zoo: \(answer.id): \(error)") }
    func note(_ isPredicted: Bool) -> String { isPredicted ? Output.dim("  predicted") : "" }
    Output.print(Output.bold(answer.id) + "  \(answer.category)" + note(answer.categoryPredicted))
    for (name, value) in answer.attributes.sorted(by: { $0.key < $1.key }) {
      Output.print("  \(name): \(value)" + note(answer.predictedAttributes.contains(name)))
    }
    if !answer.link.isEmpty { Output.print("  \(answer.link)") }
    if let picture = answer.picture { Output.print("  \(picture)") }
    Output.print(Output.dim("  sha256 \(answer.sha256)"))
  }
}
