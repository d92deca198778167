import ArgumentParser
import Foundation
import ZooBackend
import ZooCPU
import ZooDevices
import ZooProtocol
import ZooReporting
import ZooRuntime
import ZooServer
import ZooTensor

/// `zoo-server bench`
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures a model's network in this process, without a server: latency and throughput.",
    discussion: """
      The network alone, on the input of the model's first golden: no picture is decoded and nothing is sent. \
      `zoo bench` measures what a caller of a server sees.

      Watts, degrees, joules and load are of the whole machine, whatever else it does: its devices are read twice a second.
      """)

  @OptionGroup var options: MeasuringOptions

  @Option(help: "Threads that compute: a number, or several: 1,2; all cores unless told.")
  var threads: CountList?

  @Option(help: "Copies of the input in one call: a number, or several: 1,8")
  var batch: CountList = CountList(counts: [1])

  @Option(name: .shortAndLong, help: "Seconds to measure, for each row.")
  var duration: Double = 3

  @Option(help: "Seconds to measure the idle machine's power first, where the machine tells it; 0 for none.")
  var idle: Double = 2

  @Flag(help: "Do not read the machine's devices.")
  var noDevices = false

  func validate() throws {
    guard 0...3600 ~= idle else { throw ValidationError("--idle is \(idle): give 0 to 3600 seconds") }
    guard duration > 0, duration <= 86400 else { throw ValidationError("--duration is \(duration): give up to 86400") }
  }

  func run() async throws {
    let monitor = DeviceMonitor()
    let sampler = DeviceSampler { WireDevicesResult(try await monitor.report()) }
    let idleSamples =
      noDevices ? DeviceSamples() : try await sampler.idle(for: .milliseconds(Int64(idle * 1000)))
    var rows: [Row] = []
    var name = options.model
    for threads in threads?.counts ?? [CPUDevice.current.coreCount] {
      let backend = try CPUBackend(threads: threads, instructionSet: options.instructionSet)
      let model = try options.load(on: backend)
      name = model.name
      let inputs = try model.inputs()
      for batch in batch.counts {
        let measure = Measurement(
          executable: model.executable, inputs: try inputs.map { try $0.repeated(batch) },
          threads: backend.threadCount, batch: batch, duration: .milliseconds(Int64(duration * 1000)))
        guard !noDevices else {
          rows.append(try await measure.row())
          continue
        }
        var (row, samples) = try await sampler.during(measure.row)
        row.devices = DeviceUsage.all(idle: idleSamples, run: samples, pictures: row.items, elapsed: row.seconds)
        rows.append(row)
      }
    }
    if options.json {
      try print(
        Report(
          model: name, cpu: CPUDevice.current.name,
          instructionSet: "\(options.instructionSet ?? InstructionSet.best)",
          residentBytes: WireMachine.currentResidentBytes, rows: rows
        ).jsonText())
    } else {
      print(Row.title)
      for row in rows { print(row.text) }
      if !noDevices {
        print(DeviceUsage.text(rows.map { ("\($0.threads), \($0.batch)", $0.devices) }, label: "THREADS, BATCH"))
      }
    }
  }

  /// Calls of one network, one after the other.
  private struct Measurement: Sendable {
    let executable: any Executable
    let inputs: [Tensor]
    let threads: Int
    let batch: Int
    let duration: Duration

    /// Calls on a thread of its own, so that what else is to be done meanwhile finds one.
    func row() async throws -> Row {
      try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "zoo.bench").async { continuation.resume(with: Result { try measure() }) }
      }
    }

    private func measure() throws -> Row {
      let clock = ContinuousClock()
      // The first calls find cold caches and memory that was never touched.
      for _ in 0..<2 { _ = try executable.run(inputs) }
      var times: [Double] = []
      let end = clock.now + duration
      repeat {
        times.append(try clock.measure { _ = try executable.run(inputs) } / .milliseconds(1))
      } while clock.now < end
      return Row(threads: threads, batch: batch, milliseconds: times, memory: executable.memory)
    }
  }

  private struct Report: Encodable {
    var model: String
    var cpu: String
    var instructionSet: String
    /// Memory of this process that is in RAM.
    var residentBytes: UInt64
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
    /// What the processors of the machine did meanwhile.
    var devices: [DeviceUsage] = []

    var items: Int { batch * calls }
    var seconds: Double { Double(items) / itemsPerSecond }

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
