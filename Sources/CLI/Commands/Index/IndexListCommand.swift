import ArgumentParser
import ZooClient
import ZooProtocol
import ZooReporting

struct IndexListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the indexes.")

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let asJSON = options.json
    try await options.withClient { client in
      let reports = try await client.indexes().map { IndexReport($0) }
      if asJSON { return try Output.json(reports) }
      guard !reports.isEmpty else { return Output.print("there is no index: `zoo index create` makes one") }
      var table = Table([
        ("INDEX", .leading), ("STATE", .leading), ("MODEL", .leading), ("BITS", .trailing), ("STORE", .leading),
        ("ITEMS", .trailing), ("PICTURES", .trailing), ("CATEGORIES", .trailing), ("MEMORY", .trailing),
        ("DISK", .trailing),
      ])
      for report in reports {
        table.add([
          report.index, report.state, "\(report.model)@\(report.active.version)", "\(report.active.bits)", report.store,
          "\(report.items)", "\(report.pictures)", "\(report.categories.count)",
          Units.bytes(report.codeBytes + report.otherBytes), Units.bytes(report.diskBytes),
        ])
      }
      Output.print(table.text)
      for report in reports {
        if !report.reason.isEmpty { Output.print(Output.dim("\(report.index): \(report.reason)")) }
        if let next = report.next { Output.print(Output.dim("\(report.index): \(report.hashing(next))")) }
      }
    }
  }
}
