import ArgumentParser
import ZooClient
import ZooProtocol

struct IndexRebuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild", abstract: "Derives all that is derived from the stored items anew, and checks it.")

  @Argument(help: "The index.", completion: IndexNames.completion)
  var index: String

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let (index, asJSON) = (index, options.json)
    try await options.withClient { client in
      try IndexReport(try await client.rebuildIndex(index)).print(asJSON: asJSON)
    }
  }
}
