import ArgumentParser
import ZooClient
import ZooProtocol

struct IndexStatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Shows how an index stands: its items and categories, what it takes of memory and disk, its versions.")

  @Argument(help: "The index, where the server has several.", completion: IndexNames.completion)
  var index: String?

  @Flag(help: "Show all categories, not only the largest.")
  var all = false

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let (index, asJSON, most) = (index, options.json, all ? Int.max : 20)
    try await options.withClient { client in
      try IndexReport(try await client.index(named: index)).print(asJSON: asJSON, mostCategories: most)
    }
  }
}
