import ArgumentParser
import Foundation
import ZooBackend
import ZooCPU
import ZooRuntime
import ZooTensor

/// `zoo-server bench`
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures a model's network in this process, without a server: latency and throughput.",
    discussion: """
      The network alone, on the input of the model's first golden: no picture is decoded and nothing is sent. \
      `zoo bench` measures what a caller of a server sees.
      """)

  @OptionGroup var options: MeasuringOptions

  @Option(help: "Threads that compute: a number, or several: 1,2; all cores unless told.")
  var threads: CountList?

  @Option(help: "Copies of the input in one call: a number, or several: 1,8")
  var batch: CountList = CountList(counts: [1])

  @Option(name: .shortAndLong, help: "Seconds to measure, for each row.")
  var duration: Double = 3

  func validate() throws {
    guard duration > 0, duration <= 86400 else { throw ValidationError("--duration is \(duration): give up to 86400") }
  }

  func run() throws {
    var rows: [Row] = []
    var name = options.model
    for threads in threads?.counts ?? [CPUDevice.current.coreCount] {
      let backend = try CPUBackend(threads: threads, instructionSet: options.instructionSet)
      let model = try options.load(on: backend)
      name = model.name
      let inputs = try model.inputs()
      for batch in batch.counts {
        rows.append(
          try row(model.executable, inputs.map { try $0.repeated(batch) }, threads: backend.threadCount, batch: batch))
      }
    }
    if options.json {
      try print(
        Report(
          model: name, cpu: CPUDevice.current.name,
          instructionSet: "\(options.instructionSet ?? CPUDevice.current.instructionSet)", rows: rows
        ).jsonText())
    } else {
      print(Row.title)
      for row in rows { print(row.text) }
    }
  }

  private func row(_ executable: any Executable, _ inputs: [Tensor], threads: Int, batch: Int) throws -> Row {
    let clock = ContinuousClock()
    // The first calls find cold caches and memory that was never touched.
    for _ in 0..<2 { _ = try executable.run(inputs) }
    var times: [Double] = []
    let end = clock.now + .milliseconds(Int64(duration * 1000))
    repeat {
      times.append(try clock.measure { _ = try executable.run(inputs) } / .milliseconds(1))
    } while clock.now < end
    return Row(threads: threads, batch: batch, milliseconds: times, memory: executable.memory)
  }

  private struct Report: Encodable {
    var model: String
    var cpu: String
    var instructionSet: String
    var rows: [Row]
  }

  /// Times in milliseconds, of calls.
  private struct Row: Encodable {
    var threads: Int
    var batch: Int
    var calls: Int
    var minimum: Double
    var p10: Double
    var p50: Double
    var p90: Double
    var itemsPerSecond: Double
    var weightBytes: Int
    var activationBytes: Int

    init(threads: Int, batch: Int, milliseconds: [Double], memory: MemoryUse) {
      self.threads = threads
      self.batch = batch
      calls = milliseconds.count
      minimum = milliseconds.quantile(0)
      p10 = milliseconds.quantile(0.1)
      p50 = milliseconds.quantile(0.5)
      p90 = milliseconds.quantile(0.9)
      itemsPerSecond = Double(batch * milliseconds.count) / milliseconds.reduce(0, +) * 1000
      weightBytes = memory.weights
      activationBytes = memory.activations
    }

    static let title = "THREADS  BATCH   CALLS   MIN MS   P10 MS   P50 MS   P90 MS  ITEMS/S  WEIGHTS  ACTIVATIONS"

    var text: String {
      String(
        format: "%7d %6d %7d %8.2f %8.2f %8.2f %8.2f %8.1f %5.1f MiB %9.1f MiB", threads, batch, calls, minimum, p10,
        p50, p90, itemsPerSecond, Double(weightBytes) / 1_048_576, Double(activationBytes) / 1_048_576)
    }
  }
}

/// `1,2`: numbers from 1 to 1024.
struct CountList: ExpressibleByArgument {
  let counts: [Int]

  init(counts: [Int]) { self.counts = counts }

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.allSatisfy({ $0.map { 1...1024 ~= $0 } ?? false }) else { return nil }
    counts = numbers.compactMap(\.self)
  }

  var defaultValueDescription: String { counts.map(String.init).joined(separator: ",") }
}
