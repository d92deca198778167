import ArgumentParser
import ZooClient
import ZooProtocol

struct IndexSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Changes how an index ranks, from the next search on.")

  @Argument(help: "The index.", completion: IndexNames.completion)
  var index: String

  @Option(help: "Weights of attributes: baseColour=2. May be repeated.")
  var weight: [AttributeWeights] = []

  @Option(help: "The share of appearance in the ranking, 0 to 1.")
  var lambda: Double?

  @Option(help: "How many of the likeliest categories a search looks into.")
  var topCategories: UInt32?

  @OptionGroup var options: ServerOptions

  func validate() throws {
    try Checks.lambda(lambda)
    try Checks.positive(topCategories, "--top-categories")
    guard !weight.isEmpty || lambda != nil || topCategories != nil else {
      throw ValidationError("there is nothing to change: give --weight, --lambda or --top-categories")
    }
  }

  func run() async throws {
    var configure = WireConfigureIndexCall()
    configure.index = index
    configure.attributes = weight.flatMap(\.attributes)
    if let lambda { configure.lambda = lambda }
    configure.topCategories = topCategories ?? 0
    let (call, asJSON) = (configure, options.json)
    try await options.withClient { client in
      try IndexReport(try await client.configureIndex(call)).print(asJSON: asJSON)
    }
  }
}
