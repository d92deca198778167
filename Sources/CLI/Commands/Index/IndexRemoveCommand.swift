import ArgumentParser
import ZooClient
import ZooProtocol

struct IndexRemoveCommand: AsyncParsableCommand {
  /// The most ids that one call takes.
  static let batch = 1024

  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Removes items; no search finds them any more.",
    discussion: "Ids that are not there are told, and are no failure.")

  @Argument(help: "The index.", completion: IndexNames.completion)
  var index: String

  @Argument(help: "The items' ids.")
  var ids: [String] = []

  @Option(name: .shortAndLong, help: "A file with an id on each line; - for standard input.", completion: .file())
  var file: String?

  @OptionGroup var options: ServerOptions

  func validate() throws {
    guard !ids.isEmpty || file != nil else { throw ValidationError("name the items, or give --file") }
  }

  private struct Answer: Encodable {
    var removed = 0
    var missing: [String] = []
  }

  func run() async throws {
    let (index, named, file, asJSON) = (index, ids, file, options.json)
    try await options.withClient { client in
      let ids = named + (try file.map { try Files.lines($0) } ?? [])
      var answer = Answer()
      for batch in ids.inBatches(of: Self.batch) {
        let removed = try await client.remove(batch, from: index)
        answer.removed += removed.count { $0 }
        answer.missing += zip(batch, removed).filter { !$1 }.map(\.0)
      }
      if asJSON { return try Output.json(answer) }
      Output.print("\(answer.removed) removed from \(index)")
      if !answer.missing.isEmpty { Output.note("zoo: not there: \(Output.listing(answer.missing))") }
    }
  }
}
