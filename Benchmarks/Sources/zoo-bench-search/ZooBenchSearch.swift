import ArgumentParser
import Foundation
import SwiftProtobuf
import ZooClient
import ZooProtocol

/// Fills an index of a running server with made-up items, and measures searches of it: alone, beside the hasher's own
/// latency, and while items come and go.
@main
struct ZooBenchSearch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo-bench-search", abstract: "Measures visual search on a running server, as tools/bench-search asks."
  )

  @Option(help: "The server: HOST:PORT.") var server: String
  @Option(help: "The hasher.") var model: String
  @Option(help: "A file with the hasher's categories, one a line.") var categories: String
  @Option(help: "A picture to search for.") var photo: String
  @Option(help: "Items in the index.") var items: Int
  @Option(help: "Turns of every kind of request.") var rounds: Int
  @Option(help: "Seconds of searches, insertions and removals at once.") var seconds: Double
  @Option(help: "Where the figures go, JSON.") var json: String?

  func run() async throws {
    guard let address = ServerAddress(server) else { throw ValidationError("--server is \(server): give HOST:PORT") }
    guard items >= Mixed.fewest, rounds > 0, seconds > 0 else {
      throw ValidationError("give \(Mixed.fewest) items or more, and rounds and seconds above 0")
    }
    let token = ProcessInfo.processInfo.environment["ZOO_TOKEN"] ?? ""
    let names = try String(contentsOfFile: categories, encoding: .utf8).split(separator: "\n").map(String.init)
    let picture = try Data(contentsOf: URL(filePath: photo))
    try await ZooClient.with(.init(address: address, token: token, timeout: .seconds(120))) { client in
      var report = Report(machine: try await client.list().machine.cpu)
      let index = try await client.createIndex(
        .with {
          ($0.index, $0.model) = ("bench", model)
          $0.attributes = [.with { ($0.name, $0.weight) = ("baseColour", 1) }]
        })
      let maker = ItemMaker(bits: Int(index.active.bits), categories: names)

      report.fill = try await Filling(client: client, index: "bench", maker: maker).fill(items)
      Self.say(report.fill?.description)
      let latency = Latency(client: client, index: "bench", model: model, picture: picture)
      report.latency = try await latency.measure(rounds: rounds)
      for row in report.latency { Self.say(row.description) }
      report.mixed = try await Mixed(client: client, index: "bench", maker: maker, items: items).measure(
        for: .seconds(seconds))
      Self.say(report.mixed?.description)
      let status = try await client.index("bench")
      report.items = status.items
      report.otherBytesPerItem = Double(status.otherBytes) / Double(max(status.items, 1))
      report.diskBytesPerItem = Double(status.diskBytes) / Double(max(status.items, 1))
      Self.say(report.size)
      if let json { try report.encoded().write(to: URL(filePath: json)) }
    }
  }

  private static func say(_ text: String?) {
    if let text { print(text) }
  }
}
