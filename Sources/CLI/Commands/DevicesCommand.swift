import ArgumentParser
import ZooClient
import ZooReporting

struct DevicesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "Shows the processors of the server's machine: memory, load, temperature, power, clocks.",
    discussion: """
      Load, a CPU's power and its throttling are means over up to two seconds. What the machine does not tell is said \
      below the table, with the remedy where there is one.
      """)

  @Flag(help: "List the processes on each GPU as well, which needs the administrator's token.")
  var processes = false

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let (asJSON, processes) = (options.json, processes)
    try await options.withClient { client in
      let listing = DeviceListing(try await client.devices(processes: processes))
      if asJSON {
        try Output.json(listing)
      } else {
        Output.print(listing.text(emphasis: Output.bold))
      }
    }
  }
}
