import ArgumentParser
import ZooCUDA
import ZooDevices
import ZooProtocol
import ZooReporting
import ZooServer

/// `zoo-server devices`
struct DevicesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "Shows the processors of this machine: memory, load, temperature, power, clocks, processes.",
    discussion: """
      Load, a CPU's power and its throttling are means over a fifth of a second. What the machine does not tell is said \
      below the table, with the remedy where there is one, and where the libraries for NVIDIA GPUs were found. `zoo devices` \
      asks a server for the same, but for the libraries.
      """)

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var libraries: LibraryOptions

  func run() async throws {
    let report = try await DeviceMonitor().report(processes: true)
    var result = WireDevicesResult(report)
    // Who looks here may know where things are.
    result.notes =
      report.notes.map(\.details) + CUDALibraries.explanations(finder: libraries.finder)
    let listing = DeviceListing(result)
    if json {
      print(try listing.jsonText())
    } else {
      print(listing.text())
    }
  }
}
