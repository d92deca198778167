import ArgumentParser
import ZooClient
import ZooProtocol

struct IndexDropCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop", abstract: "Removes an index with all of its items and pictures.")

  @Argument(help: "The index.", completion: IndexNames.completion)
  var index: String

  @Flag(help: "It is meant.")
  var yes = false

  @OptionGroup var options: ServerOptions

  func validate() throws {
    guard yes else { throw ValidationError("\(index) would be gone with all of its items: say --yes") }
  }

  func run() async throws {
    let (index, asJSON) = (index, options.json)
    try await options.withClient { client in
      try await client.dropIndex(index)
      if asJSON { return try Output.json(["dropped": index]) }
      Output.print("\(index) is removed")
    }
  }
}
