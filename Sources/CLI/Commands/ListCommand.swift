import ArgumentParser
import ZooClient
import ZooProtocol
import ZooReporting

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the models: what they are, how they stand and what they cost.")

  @OptionGroup var options: ServerOptions

  func run() async throws {
    let asJSON = options.json
    try await options.withClient { client in
      let list = try await client.list()
      if asJSON { return try Output.json(list) }
      var table = Table([
        ("MODEL", .leading), ("STATE", .leading), ("PLUGIN", .leading), ("DEVICE", .leading), ("PRECISION", .leading),
        ("PARAMETERS", .trailing), ("MEMORY", .trailing), ("REQUESTS", .trailing), ("FAILED", .trailing),
        ("P50", .trailing), ("P99", .trailing),
      ])
      for model in list.models {
        let isLoaded = model.state == .available || model.state == .draining
        let statistics = model.statistics
        let answered = statistics.succeeded + statistics.failed
        table.add([
          "\(model.name)@\(model.version)", model.state.label, model.plugin, model.device,
          model.precision, isLoaded ? Units.count(model.parameters) : "",
          isLoaded ? Units.bytes(model.memoryBytes) : "",
          isLoaded ? "\(statistics.succeeded)" : "", isLoaded ? "\(statistics.failed)" : "",
          answered > 0 ? Units.milliseconds(Double(statistics.p50Us)) : "",
          answered > 0 ? Units.milliseconds(Double(statistics.p99Us)) : "",
        ])
      }
      Output.print(table.text)
      for model in list.models where !model.reason.isEmpty {
        Output.print(Output.dim("\(model.name)@\(model.version): \(model.reason)"))
      }
      Output.print(Output.dim(list.machine.summary))
    }
  }
}

extension WireModelState {
  var label: String {
    switch self {
    case .starting: "starting"
    case .loading: "loading"
    case .selfTest: "self-test"
    case .available: "available"
    case .draining: "draining"
    case .ended: "ended"
    case .unspecified, .UNRECOGNIZED: "unknown"
    }
  }
}

extension WireMachine {
  /// The computer in one line.
  var summary: String {
    "\(cpu), \(cores) core\(cores == 1 ? "" : "s"), \(vectorExtensions), \(blas); server memory "
      + "\(Units.bytes(residentBytes)) of \(Units.bytes(memoryBytes))"
  }
}
