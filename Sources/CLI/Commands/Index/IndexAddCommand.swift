import ArgumentParser
import Foundation
import Synchronization
import ZooClient
import ZooEvaluation
import ZooProtocol

struct IndexAddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Adds pictures to an index: a folder of them, or files, with what a table says of them.",
    discussion: """
      An item's id is the picture's path below the folder without the extension. The table is CSV, its first line \
      names the columns. What it does not say (a picture without a row, an empty field) the model predicts, where it \
      can.

      Before pictures are sent the server is asked which it has: those whose file, category, attributes and link are \
      the same are not sent again. So an interrupted command goes on where it stopped when it is given again, on any \
      machine, and a changed folder or table is brought up to date; with --prune also by what is in the folder no more. \
      Pictures that fail are listed at the end, and the others go on.
      """)

  @Argument(help: "The index.", completion: IndexNames.completion)
  var index: String

  @Argument(help: "JPEG or PNG files, where no folder is given.", completion: .file())
  var pictures: [String] = []

  @Option(help: "A folder of JPEG and PNG files, with its subfolders.", completion: .directory)
  var folder: String?

  @Option(help: "A CSV file with what is known of the pictures.", completion: .file(extensions: ["csv"]))
  var attributes: String?

  @Option(help: "The table's column with the pictures' ids.")
  var idColumn: String = "id"

  @Option(help: "The table's column with the categories; without it they are predicted.")
  var categoryColumn: String?

  @Option(help: "The table's columns that are attributes: gender,baseColour. Those that the index has unless told.")
  var columns: String?

  @Option(help: "What stands before an id in an item's link, for example https://shop.example/item/")
  var linkPrefix: String?

  @Option(help: "Batches of items in flight at once.")
  var concurrency: Int = 4

  @Option(help: "Write a CSV file of what failed.", completion: .file(extensions: ["csv"]))
  var failures: String?

  @Flag(help: "Send everything, whatever the server has.")
  var again = false

  @Flag(help: "Remove the index's items that the folder has no picture of, whoever added them.")
  var prune = false

  @Flag(help: "Show no progress.")
  var noProgress = false

  @OptionGroup var options: ServerOptions

  func validate() throws {
    guard pictures.isEmpty != (folder == nil) else { throw ValidationError("give either --folder or files") }
    guard !prune || folder != nil else { throw ValidationError("--prune is about a folder: give --folder") }
    try Checks.concurrency(concurrency)
    guard attributes != nil || categoryColumn == nil && columns == nil else {
      throw ValidationError("--category-column and --columns are of the table: give --attributes")
    }
  }

  func run() async throws {
    let command = self
    try await options.withClient { client in try await command.add(client) }
  }

  private func add(_ client: ZooClient) async throws {
    let status = try await client.index(index)
    let table = try attributes.map { try CSVTable(try Files.read(URL(filePath: $0)), name: $0) }
    let attributeColumns =
      columns?.split(separator: ",").map(String.init)
      ?? status.attributes.map(\.name).filter { table?.columns.contains($0) ?? false }
    let catalogue = try Catalogue(
      pictures: try folder.map { try Catalogue.pictures(in: URL(filePath: $0, directoryHint: .isDirectory)) }
        ?? Catalogue.pictures(pictures),
      table: table, idColumn: idColumn, columns: attributeColumns + (categoryColumn.map { [$0] } ?? []))
    guard !catalogue.entries.isEmpty else {
      throw ZooError(.invalidArgument, "\(folder ?? "") has no JPEG or PNG files: give another --folder")
    }

    let uploader = ItemUploader(
      client: client, index: index, limits: try await client.hello().limits,
      columns: .init(category: categoryColumn, attributes: attributeColumns, linkPrefix: linkPrefix),
      asksFirst: !again && status.items > 0)
    let bar = ProgressBar(
      "added", total: Double(catalogue.entries.count), isWanted: !noProgress && !options.json, showsRate: true
    ) { "\(Int($0)) items" }
    let done = Mutex(0)
    let start = ContinuousClock.now
    let outcomes: [ItemUploader.Outcome]
    do {
      outcomes = try await catalogue.entries.inBatches(of: ItemUploader.batch).concurrently(atMost: concurrency) {
        batch in
        let outcomes = try await uploader.upload(batch)
        done.withLock { $0 += outcomes.count }
        bar.advance(by: Double(outcomes.count))
        return outcomes
      }.flatMap { $0 }
    } catch {
      Output.note("zoo: \(done.withLock { $0 }) items are done: give the command again and it goes on")
      throw error
    }
    var removed = 0
    var failure: (any Error)?
    do {
      if prune { removed = try await removeItems(besides: catalogue, client) }
    } catch {
      // What was added is told first.
      failure = error
    }
    let report = IndexAddReport(
      index: index, outcomes: outcomes, removed: removed, catalogue: catalogue, hasTable: table != nil,
      seconds: start.duration(to: .now) / .seconds(1))
    if let failures { try Files.write(Data(report.failuresTable.utf8), to: URL(filePath: failures)) }
    try report.print(asJSON: options.json, failuresFile: failures)
    if let failure { throw failure }
    try Pictures.exit(failed: report.failed.count, of: report.items)
  }

  /// - Returns: how many there were.
  private func removeItems(besides catalogue: Catalogue, _ client: ZooClient) async throws -> Int {
    // Pictures that cannot be read are in the folder as well.
    let kept = Set(catalogue.entries.map(\.id))
    var others: [String] = []
    var after: UInt32 = 0
    repeat {
      let page = try await client.items(of: index, after: after, limit: 1000)
      others += page.items.map(\.id).filter { !kept.contains($0) }
      after = page.next
    } while after > 0
    var removed = 0
    for batch in others.inBatches(of: IndexRemoveCommand.batch) {
      removed += try await client.remove(batch, from: index).count { $0 }
    }
    return removed
  }
}
