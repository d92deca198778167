import ArgumentParser
import Foundation
import SwiftProtobuf
import ZooClient
import ZooEvaluation
import ZooProtocol

struct SearchQueryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query",
    abstract: "Finds what is like a picture, or like an item of the index.",
    discussion: """
      The nearest by Hamming distance between codes, in the categories that the model names first, are ranked by \
      S = λ · appearance + (1 − λ) · attributes. Where the server has one index it need not be named.
      """)

  @Argument(help: "JPEG or PNG files.", completion: .file())
  var photos: [String] = []

  @Option(help: "An item of the index to search with, instead of a file.")
  var item: String?

  @Option(name: .shortAndLong, help: "The index.", completion: IndexNames.completion)
  var index: String?

  @Option(name: [.customShort("k"), .customLong("count")], help: "How many results.")
  var count: UInt32 = 10

  @Option(help: "The share of appearance in the ranking, 0 to 1; the index's unless told.")
  var lambda: Double?

  @Option(help: "Where to look: auto for the likeliest categories, all, or NAME[,NAME]. May be repeated.")
  var category: [String] = []

  @Option(help: "Only items with an attribute's value, or one of several: baseColour=Blue|Navy. May be repeated.")
  var `where`: [NamedValue] = []

  @Option(help: "Weights of attributes, where they are not to be the index's: baseColour=2. May be repeated.")
  var weight: [AttributeWeights] = []

  @Option(help: "What the query is, in place of what the model says: baseColour=Blue. May be repeated.")
  var attribute: [NamedValue] = []

  @Option(help: "How many of the nearest are ranked by attributes (200 or 4 k, whichever is more, unless told).")
  var candidates: UInt32?

  @Option(help: "The version of the hasher whose codes are compared; the active one unless told.")
  var modelVersion: UInt32?

  @Flag(help: "Say why each result stands where it does.")
  var explain = false

  @Option(help: "Write the results as a page with their pictures.", completion: .file(extensions: ["html"]))
  var html: String?

  @Option(help: "Open the page: yes, no, or auto for where there is a screen.")
  var open: OpenChoice = .auto

  @OptionGroup var options: ServerOptions

  enum OpenChoice: String, ExpressibleByArgument, CaseIterable {
    case yes, no, auto
  }

  func validate() throws {
    try Checks.lambda(lambda)
    guard photos.isEmpty != (item == nil) else { throw ValidationError("give either photos or --item") }
    guard 1...10_000 ~= count else { throw ValidationError("-k is \(count): give 1 to 10000") }
    try Checks.positive(candidates, "--candidates")
    try Checks.positive(modelVersion, "--model-version")
    guard categories.count == 1 || !categories.contains("auto") && !categories.contains("all") else {
      throw ValidationError("--category is \(categories.joined(separator: ", ")): auto and all stand alone")
    }
    for condition in `where` where condition.value.isEmpty {
      throw ValidationError("--where is \(condition.name)= without a value: give NAME=VALUE")
    }
  }

  private var categories: [String] {
    let names = category.flatMap { $0.split(separator: ",").map(String.init) }
    return names.isEmpty ? ["auto"] : names
  }

  func run() async throws {
    let command = self
    try await options.withClient { client in try await command.search(client) }
  }

  private func search(_ client: ZooClient) async throws {
    let status = try await client.index(named: index)
    let name = status.index
    let template = call(of: status)
    noteUnknownCategories(of: status)
    let queries = photos.isEmpty ? [SearchAnswer.Query.item(item ?? "")] : photos.map { .photo($0) }
    let answers = try await queries.concurrently(atMost: 4) { query in
      try await SearchAnswer(query, template, client)
    }
    if let html {
      let page = URL(filePath: html)
      let sheet = try await SearchPage(index: name, client: client).sheet(answers)
      try Files.write(Data(sheet.html.utf8), to: page)
      if !options.json { Output.note("zoo: \(html) shows the results") }
      BrowserWindow.open(page, open)
    }
    if options.json {
      try Output.json(answers.map { SearchReport($0) })
    } else {
      for answer in answers { SearchListing(isExplained: explain).print(answer) }
    }
    try Pictures.exit(failed: answers.count { $0.error != nil }, of: answers.count)
  }

  /// A category may be empty for a while; one that is spelt otherwise stays so.
  private func noteUnknownCategories(of index: WireIndexStatus) {
    let known = index.categories.map(\.category)
    for name in categories where !["auto", "all"].contains(name) && !known.contains(name) {
      let alike = known.first { $0.lowercased() == name.lowercased() }
      Output.note(
        "zoo: \(index.index) has no items of the category \(name)"
          + (alike.map { ": is it \($0)?" } ?? ": `zoo index stats` shows those that it has"))
    }
  }

  /// All of a search but what it is with.
  private func call(of index: WireIndexStatus) -> WireSearchCall {
    var call = WireSearchCall()
    call.index = index.index
    call.k = count
    if let lambda { call.lambda = lambda }
    if !weight.isEmpty {
      // What is sent stands in place of all that the index has.
      let changed = Dictionary(weight.flatMap(\.attributes).map { ($0.name, $0) }) { $1 }
      let known = Set(index.attributes.map(\.name))
      call.weights =
        index.attributes.map { changed[$0.name] ?? $0 } + changed.values.filter { !known.contains($0.name) }
    }
    switch categories {
    case ["auto"]: break
    case ["all"]: call.allCategories = true
    default: call.categories = categories
    }
    call.filters = `where`.map { condition in
      .with {
        $0.attribute = condition.name
        $0.values = condition.value.split(separator: "|").map(String.init)
      }
    }
    call.version = modelVersion ?? 0
    call.candidates = candidates ?? 0
    call.explain = explain || options.json
    for value in attribute { call.attributes[value.name] = value.value }
    return call
  }
}
