import ArgumentParser
import Foundation
import ZooClient
import ZooProtocol
import ZooReporting

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures a model on the server: latency, throughput, and where the time goes.",
    discussion: """
      A closed loop: so many callers as --concurrency says, each sending its next request when the last is answered. \
      Several numbers are measured one after the other. Latency is what the caller sees, the network included; queue, \
      prepare, compute and finish are medians of what the server says of each request.

      Watts, degrees, joules and load are of the whole machine that the server runs on, whatever else it does: the \
      server reads its devices twice a second, asked for on a connection of its own.

      With --local the network runs without a server, on the input of the model's first golden: `zoo-server bench` does \
      that, which has to be beside this program or on PATH, and takes what stands behind --, for example --threads 1,2 \
      or --batch 1,8.
      """)

  @Argument(help: "The model.")
  var model: ModelReference

  @Option(name: .shortAndLong, help: "A JPEG or PNG file to send.", completion: .file())
  var input: String?

  @Option(name: .shortAndLong, help: "Callers: a number, or several: 1,2,4")
  var concurrency: String = "1"

  @Option(name: .shortAndLong, help: "Seconds to measure, for each number of callers.")
  var duration: Double = 5

  @Option(name: [.customShort("n"), .long], help: "Requests to measure instead of a time.")
  var requests: Int?

  @Option(help: "Requests before the measurement.")
  var warmup: Int = 3

  @Option(help: "Seconds to measure the idle machine's power first, where the machine tells it; 0 for none.")
  var idle: Double = 2

  @Flag(help: "Do not read the devices of the server's machine.")
  var noDevices = false

  @Flag(help: "Measure the network alone, in a process of its own on this machine, without a server.")
  var local = false

  @Option(help: "With --local, the folder with the models (default: models).", completion: .directory)
  var models: String?

  @Argument(parsing: .postTerminator, help: "With --local, further options of `zoo-server bench`.")
  var further: [String] = []

  @Flag(help: "Print CSV, without the devices.")
  var csv = false

  @Flag(help: "Show no progress.")
  var noProgress = false

  @OptionGroup var options: ServerOptions

  func validate() throws {
    if local {
      let others = [
        ("--input", input != nil), ("--concurrency", concurrency != "1"), ("--requests", requests != nil),
        ("--csv", csv), ("--server", options.server != nil), ("--token", options.token != nil),
        ("--warmup", warmup != 3),
      ].filter(\.1).map(\.0)
      guard others.isEmpty else {
        throw ValidationError("--local has no use for \(others.joined(separator: ", ")): leave that out")
      }
    } else {
      guard models == nil, further.isEmpty else {
        throw ValidationError("--models and what stands behind -- are for --local: leave them out, or give --local")
      }
      guard input != nil else { throw ValidationError("--input is missing: give a JPEG or PNG file") }
      guard !(csv && options.json) else { throw ValidationError("--csv and --json exclude each other: give one") }
    }
    guard !callers.isEmpty else {
      throw ValidationError("--concurrency is \"\(concurrency)\": give numbers from 1 to 256")
    }
    guard duration > 0, duration <= 86400 else { throw ValidationError("--duration is \(duration): give up to 86400") }
    if let requests, requests < 1 { throw ValidationError("--requests is \(requests): give 1 or more") }
    guard 0...3600 ~= idle else { throw ValidationError("--idle is \(idle): give 0 to 3600 seconds") }
    guard 0...100_000 ~= warmup else { throw ValidationError("--warmup is \(warmup): give 0 to 100000") }
  }

  private var callers: [Int] {
    let numbers = concurrency.split(separator: ",").map { Int($0) }
    return numbers.allSatisfy { $0.map { 1...256 ~= $0 } ?? false } ? numbers.compactMap { $0 } : []
  }

  func run() async throws {
    if local {
      try LocalBench(
        model: model.description, models: models, duration: duration, idle: idle, readsDevices: !noDevices,
        asJSON: options.json, further: further
      ).run()
    }
    let picture = try Files.read(URL(filePath: input ?? ""))
    let (model, callers, duration, requests, warmup) = (model, callers, duration, requests, warmup)
    let (asCSV, asJSON, wantsProgress) = (csv, options.json, !noProgress)
    let (idle, readsDevices) = (Duration.milliseconds(Int64(idle * 1000)), !noDevices && !csv)
    let settled = try options.configuration()
    try await options.withClient { client in
      // Readings of the devices have a connection of their own, so that they wait for no picture and no picture for them.
      let observer = ZooClient(settled)
      let sampler = DeviceSampler { try await observer.devices() }
      let idleSamples = readsDevices ? try await sampler.idle(for: idle) : DeviceSamples()
      var rows: [BenchRow] = []
      var described = try await (client.info(model).status, client.list().machine)
      var end: ZooError?
      for count in callers where end == nil {
        if wantsProgress, callers.count > 1 || duration > 1 {
          Output.note("measuring with \(count) caller\(count == 1 ? "" : "s")")
        }
        do {
          for _ in 0..<warmup { _ = try await client.infer(model, inputs: [.image(picture)]) }
          described = try await (client.info(model).status, client.list().machine)
        } catch let error as ZooError {
          guard !rows.isEmpty else { throw error }
          end = error
          break
        }
        let measure = {
          try await Self.measure(
            client, model, picture, callers: count, requests: requests, for: .milliseconds(Int64(duration * 1000)))
        }
        guard readsDevices else {
          let row = try await measure()
          rows.append(row)
          end = row.end
          continue
        }
        var (row, samples) = try await sampler.during(measure)
        row.devices = DeviceUsage.all(
          idle: idleSamples, run: samples, pictures: row.requests, elapsed: row.seconds)
        row.devicesUnavailable = samples.failure
        rows.append(row)
        end = row.end
      }
      await observer.close()
      let (status, machine) = (try? await (client.info(model).status, client.list().machine)) ?? described
      if asJSON {
        try Output.json(
          Report(
            model: "\(status.name)@\(status.version)", device: status.device, precision: status.precision,
            modelMemoryBytes: status.memoryBytes, serverResidentBytes: machine.residentBytes, cpu: machine.cpu,
            cores: machine.cores, rows: rows))
      } else if asCSV {
        Output.print(BenchRow.csvHeader)
        for row in rows { Output.print(row.csv) }
      } else {
        Output.print(
          Output.bold("\(status.name)@\(status.version)") + " on \(status.device), \(status.precision), "
            + "\(Units.bytes(status.memoryBytes))")
        Output.print(BenchRow.table(rows))
        if readsDevices { Output.print(BenchRow.deviceTable(rows)) }
        Output.print(Output.dim(machine.summary))
      }
      for row in rows {
        if let error = row.firstError { Output.note("zoo: \(row.errors) failed, the first: \(error)") }
      }
      if let end {
        Output.note("zoo: measured no more: \(end.description)")
        throw ExitCode(end.code == .unavailable ? 3 : 1)
      }
      if rows.contains(where: { $0.errors > 0 }) { throw ExitCode(rows.contains { $0.requests > 0 } ? 4 : 1) }
    }
  }

  private static func measure(
    _ client: ZooClient, _ model: ModelReference, _ picture: Data, callers: Int, requests: Int?, for duration: Duration
  ) async throws -> BenchRow {
    let meter = BenchMeter()
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<callers {
        group.addTask {
          while meter.mayStart(requests: requests, until: start + duration) {
            let sent = ContinuousClock.now
            do {
              let result = try await client.infer(model, inputs: [.image(picture)])
              meter.record(.now - sent, result.timing)
            } catch let error as ZooError {
              meter.fail(error)
            }
          }
        }
      }
      try await group.waitForAll()
    }
    return meter.row(callers: callers, elapsed: .now - start)
  }

  private struct Report: Encodable {
    let model: String
    let device: String
    let precision: String
    let modelMemoryBytes: UInt64
    let serverResidentBytes: UInt64
    let cpu: String
    let cores: UInt32
    let rows: [BenchRow]
  }
}
