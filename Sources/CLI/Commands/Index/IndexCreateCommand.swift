import ArgumentParser
import ZooClient
import ZooProtocol

struct IndexCreateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Makes an index.",
    discussion: "Without --model the only hasher that serves is taken.")

  @Argument(help: "What to call it.")
  var index: String

  @Option(help: "The model that hashes its pictures.")
  var model: ModelReference?

  @Option(
    help: """
      What items are described by, with the weights of the re-ranking: gender,baseColour=2. Those that the model \
      predicts unless told.
      """)
  var attributes: AttributeWeights?

  @Option(help: "The share of appearance in the ranking, 0 to 1 (0.75 unless told).")
  var lambda: Double?

  @Option(help: "How many of the likeliest categories a search looks into (3 unless told).")
  var topCategories: UInt32?

  @Option(help: "Where items are kept: embedded, or a store that the server was started with.")
  var store: String?

  @OptionGroup var options: ServerOptions

  func validate() throws {
    try Checks.lambda(lambda)
    try Checks.positive(topCategories, "--top-categories")
  }

  func run() async throws {
    var create = WireCreateIndexCall()
    create.index = index
    create.attributes = attributes?.attributes ?? []
    if let lambda { create.lambda = lambda }
    create.topCategories = topCategories ?? 0
    create.store = store == "embedded" ? "" : store ?? ""
    let (call, named, asJSON) = (create, model, options.json)
    try await options.withClient { client in
      let model = try await client.model(named, ofPlugin: "search-hasher")
      var call = call
      call.model = model.name
      call.version = model.version
      try IndexReport(try await client.createIndex(call)).print(asJSON: asJSON)
    }
  }
}
