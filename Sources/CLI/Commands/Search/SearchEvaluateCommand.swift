import ArgumentParser
import Foundation
import ZooClient
import ZooEvaluation
import ZooProtocol

struct SearchEvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures search by a hasher over labelled pictures.",
    discussion: """
      Every picture is hashed by the server; what it answers is kept, so that the command is fast when it is given \
      again. Held-out pictures are the queries, and search the others: for each category, the part whose SHA-256 of \
      "SEED:ID" is smallest. Categories with fewer than 10 pictures are left out.

      Relevant is what has the query's value in the first column of --relevant, which is the category; and in the \
      second; and so on. Equal ranks count with the expected value over all orders. Beside search as the product does \
      it stand search everywhere, exact search by the trunk's features, and the predicted category alone.
      """)

  @Argument(help: "The folder with the pictures.", completion: .directory)
  var folder: String

  @Option(help: "A CSV file with what is known of the pictures.", completion: .file(extensions: ["csv"]))
  var attributes: String

  @Option(help: "The table's column with the pictures' ids.")
  var idColumn: String = "id"

  @Option(help: "The model.")
  var model: ModelReference?

  @Option(help: "The part of each category that is held out.")
  var heldOut: Double = 0.2

  @Option(help: "What the held-out pictures are chosen by.")
  var seed: String = "held out"

  @Option(help: "A file with the ids to search with, one on each line, instead of --held-out.", completion: .file())
  var queries: String?

  @Option(name: .customLong("k"), help: "The ks of precision@k.")
  var ks: NumberList<Int> = NumberList(numbers: [1, 10, 20])

  @Option(help: "Columns that make a picture relevant, each within the one before; the first is the category.")
  var relevant: String = "articleType,baseColour,gender"

  @Option(help: "The share of appearance in the ranking; several make several rows: 0.5,0.75")
  var lambda: NumberList<Double> = NumberList(numbers: [0.75])

  @Option(help: "Weights of attributes: baseColour=2. Those that the model predicts, each with 1, unless told.")
  var weight: [AttributeWeights] = []

  @Option(help: "How many of the likeliest categories a search looks into.")
  var topCategories: UInt32 = 3

  @Option(help: "How many of the nearest are ranked by attributes; 0 for all.")
  var candidates: Int = 200

  @Option(help: "Only so many pictures, those with the smallest SHA-256 of \"sample:ID\".")
  var sample: Int?

  @Option(help: "Draw precision at k as an SVG file.", completion: .file(extensions: ["svg"]))
  var plot: String?

  @Option(help: "Where the server's answers are kept (~/.cache/zoo unless told).", completion: .directory)
  var cache: String?

  @Option(help: "Pictures in flight at once.")
  var concurrency: Int = 4

  @Flag(help: "Show no progress.")
  var noProgress = false

  @OptionGroup var options: ServerOptions

  private static let curve = 100

  func validate() throws {
    guard heldOut > 0, heldOut < 1 else {
      throw ValidationError("--held-out is \(heldOut): give more than 0, less than 1")
    }
    guard ks.numbers.allSatisfy({ 1...Self.curve ~= $0 }) else {
      throw ValidationError("--k is \(ks): give numbers from 1 to \(Self.curve)")
    }
    guard lambda.numbers.allSatisfy({ 0...1 ~= $0 }) else {
      throw ValidationError("--lambda is \(lambda): give 0 to 1")
    }
    guard 1...7 ~= relevance.count, Set(relevance).count == relevance.count else {
      throw ValidationError("--relevant is \"\(relevant)\": give 1 to 7 columns")
    }
    guard weight.flatMap(\.attributes).count <= RetrievalEvaluation.mostAttributes else {
      throw ValidationError("--weight has too many attributes: \(RetrievalEvaluation.mostAttributes) at most")
    }
    try Checks.positive(topCategories, "--top-categories")
    try Checks.concurrency(concurrency)
    guard candidates >= 0 else { throw ValidationError("--candidates is \(candidates): give 0 or more") }
    if let sample, sample < 1 { throw ValidationError("--sample is \(sample): give 1 or more") }
  }

  private var relevance: [String] { relevant.split(separator: ",").map(String.init) }

  func run() async throws {
    let command = self
    try await options.withClient { client in try await command.evaluate(client) }
  }

  private func evaluate(_ client: ZooClient) async throws {
    let model = try await client.model(model, ofPlugin: "search-hasher")
    let info = try await client.info(model)
    let predicted = info.outputs.map(\.name).filter { $0.hasPrefix(ZooClient.attributePrefix) }
      .map { String($0.dropFirst(ZooClient.attributePrefix.count)) }
    let weights = try weights(predicted)
    let table = try CSVTable(try Files.read(URL(filePath: attributes)), name: attributes)
    let wanted = Set(relevance + predicted.filter(table.columns.contains))
    let catalogue = try Catalogue(
      pictures: try Catalogue.pictures(in: URL(filePath: folder, directoryHint: .isDirectory)), table: table,
      idColumn: idColumn, columns: wanted.sorted())
    let selection = try EvaluationSelection(
      catalogue, category: relevance[0], sample: sample, queries: try queries.map { try Files.lines($0) },
      split: HeldOutSplit(part: heldOut, seed: seed))

    let hashed = try await HashedPictures(
      client: client, info: info, topCategories: Int(topCategories),
      cacheFolder: cache.map { URL(filePath: $0, directoryHint: .isDirectory) } ?? Files.cacheFolder,
      concurrency: concurrency, wantsProgress: !noProgress && !options.json
    ).all(selection.entries)

    let evaluationOptions = RetrievalEvaluation.Options(
      relevance: relevance, ks: ks.numbers, lambdas: lambda.numbers, weights: weights,
      topCategories: Int(topCategories), candidates: candidates, curve: Self.curve)
    let asked = selection.queries.compactMap { hashed.pictures[$0] }
    let rest = selection.rest.compactMap { hashed.pictures[$0] }
    guard !asked.isEmpty, !rest.isEmpty else {
      throw ZooError(
        .failedPrecondition,
        "\(asked.count) queries and \(rest.count) pictures to search are left: give more pictures, or another split")
    }
    var report = EvaluationReport(
      model: "\(info.status.name)@\(info.status.version)", bits: asked[0].code.count * 8, selection: selection,
      candidates: candidates, failed: hashed.failed,
      recognition: RecognitionReport(
        asked, category: relevance[0], attributes: predicted.filter(table.columns.contains)))
    for (name, database) in [
      ("the \(rest.count) other pictures", rest), ("the other queries, \(asked.count - 1) for each", asked),
    ] {
      let evaluation = RetrievalEvaluation(queries: asked, database: database, options: evaluationOptions)
      let bar = ProgressBar("searched", total: Double(asked.count), isWanted: !noProgress && !options.json) {
        "\(Int($0)) queries"
      }
      let rankings = try await evaluation.rankings { bar.advance(by: Double($0)) }
      report.databases.append(.init(name: name, pictures: database.count, rankings: rankings))
    }
    if let plot {
      let chart = PrecisionChart(
        title: "\(report.model), \(asked.count) queries in \(report.databases[0].name)",
        rankings: report.databases[0].rankings)
      try Files.write(Data(chart.svg.utf8), to: URL(filePath: plot))
    }
    try report.print(asJSON: options.json)
    try Pictures.exit(failed: hashed.failed.count, of: selection.entries.count)
  }

  /// wᵢ, by attribute: of those that the model predicts.
  private func weights(_ predicted: [String]) throws -> [String: Double] {
    guard !weight.isEmpty else {
      return Dictionary(
        uniqueKeysWithValues: predicted.prefix(RetrievalEvaluation.mostAttributes).map { ($0, 1) })
    }
    var weights: [String: Double] = [:]
    for attribute in weight.flatMap(\.attributes) {
      guard predicted.contains(attribute.name) else {
        throw ZooError(
          .invalidArgument,
          "--weight names \(attribute.name), and the model predicts "
            + (predicted.isEmpty ? "no attributes" : predicted.joined(separator: ", ")))
      }
      weights[attribute.name] = attribute.weight
    }
    return weights
  }
}
