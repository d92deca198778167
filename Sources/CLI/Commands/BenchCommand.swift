import ArgumentParser
import Foundation
import Histogram
import Synchronization
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
      prepare, compute and finish are the server's own means.
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

  @Flag(help: "Not here: `zoo-server bench MODEL` measures a network in its own process, without a server.")
  var local = false

  @Flag(help: "Print CSV.")
  var csv = false

  @Flag(help: "Show no progress.")
  var noProgress = false

  @OptionGroup var options: ServerOptions

  func validate() throws {
    if local {
      throw ValidationError(
        "the client computes nothing: `zoo-server bench \(model.name)` measures the network in its own process")
    }
    guard input != nil else { throw ValidationError("--input is missing: give a JPEG or PNG file") }
    guard !callers.isEmpty else {
      throw ValidationError("--concurrency is \"\(concurrency)\": give numbers from 1 to 256")
    }
    guard duration > 0, duration <= 86400 else { throw ValidationError("--duration is \(duration): give up to 86400") }
    if let requests, requests < 1 { throw ValidationError("--requests is \(requests): give 1 or more") }
    guard 0...100_000 ~= warmup else { throw ValidationError("--warmup is \(warmup): give 0 to 100000") }
  }

  private var callers: [Int] {
    let numbers = concurrency.split(separator: ",").map { Int($0) }
    return numbers.allSatisfy { $0.map { 1...256 ~= $0 } ?? false } ? numbers.compactMap { $0 } : []
  }

  func run() async throws {
    let picture = try Files.read(URL(filePath: input ?? ""))
    let (model, callers, duration, requests, warmup) = (model, callers, duration, requests, warmup)
    let (asCSV, asJSON, wantsProgress) = (csv, options.json, !noProgress)
    try await options.withClient { client in
      var rows: [Row] = []
      for count in callers {
        if wantsProgress, callers.count > 1 || duration > 1 {
          Output.note("measuring with \(count) caller\(count == 1 ? "" : "s")")
        }
        for _ in 0..<warmup { _ = try await client.infer(model, inputs: [.image(picture)]) }
        let meter = Meter()
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<count {
            group.addTask {
              while meter.mayStart(requests: requests, until: start + .milliseconds(Int64(duration * 1000))) {
                let sent = ContinuousClock.now
                do {
                  let result = try await client.infer(model, inputs: [.image(picture)])
                  meter.record(.now - sent, result.timing)
                } catch let error as ZooError where error.code != .unavailable && error.code != .notFound {
                  meter.fail(error)
                }
              }
            }
          }
          try await group.waitForAll()
        }
        rows.append(meter.row(callers: count, elapsed: .now - start))
      }
      let status = try await client.info(model).status
      let machine = try await client.list().machine
      if asJSON {
        try Output.json(
          Report(
            model: "\(status.name)@\(status.version)", device: status.device, precision: status.precision,
            modelMemoryBytes: status.memoryBytes, serverResidentBytes: machine.residentBytes, cpu: machine.cpu,
            cores: machine.cores, rows: rows))
      } else if asCSV {
        Output.print(Row.csvHeader)
        for row in rows { Output.print(row.csv) }
      } else {
        Output.print(
          Output.bold("\(status.name)@\(status.version)") + " on \(status.device), \(status.precision), "
            + "\(Units.bytes(status.memoryBytes))")
        Output.print(Row.table(rows))
        Output.print(Output.dim(machine.summary))
      }
      for row in rows {
        if let error = row.firstError { Output.note("zoo: \(row.errors) failed, the first: \(error)") }
      }
      if rows.contains(where: { $0.errors > 0 }) { throw ExitCode(rows.contains { $0.requests > 0 } ? 4 : 1) }
    }
  }

  private struct Report: Encodable {
    let model: String
    let device: String
    let precision: String
    let modelMemoryBytes: UInt64
    let serverResidentBytes: UInt64
    let cpu: String
    let cores: UInt32
    let rows: [Row]
  }

  /// What was measured with one number of callers. Times in microseconds.
  private struct Row: Encodable, Sendable {
    var callers: Int
    var requests: Int
    var errors: Int
    var requestsPerSecond: Double
    var p50: UInt64
    var p90: UInt64
    var p99: UInt64
    var p999: UInt64
    var maximum: UInt64
    var queue: Double
    var prepare: Double
    var compute: Double
    var finish: Double
    var firstError: String?

    static let csvHeader =
      "callers,requests,errors,requests_per_second,p50_us,p90_us,p99_us,p999_us,max_us,queue_us,prepare_us,compute_us,finish_us"

    var csv: String {
      "\(callers),\(requests),\(errors),\(String(format: "%.3f", requestsPerSecond)),\(p50),\(p90),\(p99),\(p999),\(maximum),"
        + [queue, prepare, compute, finish].map { String(format: "%.0f", $0) }.joined(separator: ",")
    }

    static func table(_ rows: [Row]) -> String {
      var table = Table([
        ("CALLERS", .trailing), ("REQUESTS", .trailing), ("PER SECOND", .trailing), ("P50", .trailing),
        ("P90", .trailing),
        ("P99", .trailing), ("P99.9", .trailing), ("MAX", .trailing), ("QUEUE", .trailing), ("PREPARE", .trailing),
        ("COMPUTE", .trailing), ("FINISH", .trailing), ("ERRORS", .trailing),
      ])
      for row in rows {
        let latencies = [row.p50, row.p90, row.p99, row.p999, row.maximum].map { Units.milliseconds(Double($0)) }
        let parts = [row.queue, row.prepare, row.compute, row.finish].map(Units.milliseconds)
        table.add(
          ["\(row.callers)", "\(row.requests)", String(format: "%.1f", row.requestsPerSecond)] + latencies + parts
            + ["\(row.errors)"])
      }
      return table.text
    }
  }

  /// Collects from all callers.
  private final class Meter: Sendable {
    private struct State {
      var started = 0
      var errors = 0
      var firstError: String?
      /// Microseconds, to three digits, up to an hour.
      var latencies = Histogram<UInt64>(highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)
      var timing = WireTiming()
    }

    private let state = Mutex(State())

    func mayStart(requests: Int?, until end: ContinuousClock.Instant) -> Bool {
      state.withLock { state in
        if let requests {
          guard state.started < requests else { return false }
        } else if ContinuousClock.now >= end {
          return false
        }
        state.started += 1
        return !Task.isCancelled
      }
    }

    func record(_ latency: Duration, _ timing: WireTiming) {
      state.withLock { state in
        state.latencies.record(UInt64(max(0, latency / .microseconds(1))))
        state.timing.queueUs += timing.queueUs
        state.timing.prepareUs += timing.prepareUs
        state.timing.computeUs += timing.computeUs
        state.timing.finishUs += timing.finishUs
      }
    }

    func fail(_ error: ZooError) {
      state.withLock { state in
        state.errors += 1
        state.firstError = state.firstError ?? error.description
      }
    }

    func row(callers: Int, elapsed: Duration) -> Row {
      state.withLock { state in
        let latencies = state.latencies
        let count = Int(latencies.totalCount)
        func mean(_ sum: UInt64) -> Double { count > 0 ? Double(sum) / Double(count) : 0 }
        return Row(
          callers: callers, requests: count, errors: state.errors,
          requestsPerSecond: Double(count) / (elapsed / .seconds(1)), p50: latencies.valueAtPercentile(50),
          p90: latencies.valueAtPercentile(90), p99: latencies.valueAtPercentile(99),
          p999: latencies.valueAtPercentile(99.9), maximum: latencies.max, queue: mean(state.timing.queueUs),
          prepare: mean(state.timing.prepareUs), compute: mean(state.timing.computeUs),
          finish: mean(state.timing.finishUs), firstError: state.firstError)
      }
    }
  }
}
