import ArgumentParser
import ZooClient
import ZooProtocol
import ZooReporting

struct PingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ping", abstract: "Asks whether the server is there, and how long a message takes.")

  @Option(name: .shortAndLong, help: "How many times.")
  var count: Int = 3

  @OptionGroup var options: ServerOptions

  func validate() throws {
    guard 1...1_000_000 ~= count else { throw ValidationError("--count is \(count): give 1 to 1000000") }
  }

  private struct Answer: Encodable {
    let server: String
    let protocolVersion: UInt32
    let mayAdminister: Bool
    let roundTripMicroseconds: [Double]
  }

  func run() async throws {
    let (count, asJSON) = (count, options.json)
    try await options.withClient { client in
      let hello = try await client.hello()
      var times: [Double] = []
      for _ in 0..<count { times.append(try await client.ping() / .microseconds(1)) }
      if asJSON {
        return try Output.json(
          Answer(
            server: hello.server, protocolVersion: hello.protocolVersion, mayAdminister: hello.mayAdminister,
            roundTripMicroseconds: times))
      }
      let sorted = times.sorted()
      Output.print(
        "\(hello.server), protocol \(hello.protocolVersion)\(hello.mayAdminister ? ", may administer" : ""): "
          + "\(Units.milliseconds(sorted[0])) at best, \(Units.milliseconds(sorted[sorted.count / 2])) median of \(count)"
      )
    }
  }
}
