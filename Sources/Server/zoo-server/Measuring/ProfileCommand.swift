import ArgumentParser
import Foundation
import ZooBackend
import ZooCPU
import ZooDevices
import ZooRuntime

/// `zoo-server profile`
struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Shows what each layer of a model's network costs on the CPU, without serving it.",
    discussion: """
      The network gets the input of the model's first golden. GFLOP/s are those of the layer as it is defined; PEAK is \
      their share of what the threads multiply and add at best, measured first, and above 100 % where an algorithm needs \
      fewer operations. MIB are what the layer reads and writes, weights included, each once.
      """)

  @OptionGroup var options: MeasuringOptions

  @Option(help: "Threads that compute; all cores unless told.")
  var threads: Int?

  @Option(help: "Copies of the input in one call.")
  var batch: Int = 1

  @Option(help: "Calls that are measured; medians are shown.")
  var rounds: Int = 20

  @Option(help: "A file to draw the layers into, as a bar chart in SVG.", completion: .file())
  var plot: String?

  func validate() throws {
    if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads is \(threads): give 1 to 1024") }
    guard 1...4096 ~= batch else { throw ValidationError("--batch is \(batch): give 1 to 4096") }
    guard 1...100_000 ~= rounds else { throw ValidationError("--rounds is \(rounds): give 1 to 100000") }
  }

  func run() throws {
    let backend = try CPUBackend(threads: threads, instructionSet: options.instructionSet)
    let model = try options.load(on: backend)
    guard let executable = model.executable as? CPUExecutable else {
      throw ValidationError("\(model.name) does not run on the CPU backend: its manifest places it elsewhere")
    }
    let inputs = try model.inputs().map { try $0.repeated(batch) }
    let peak = try backend.measurePeak(in: model.precision)
    // The first calls find cold caches and memory that was never touched.
    for _ in 0..<2 { _ = try executable.run(inputs) }
    let profile = NetworkProfile(
      model: model.name, cpu: CPUDevice.current.name, instructionSet: "\(backend.instructionSet)",
      threads: backend.threadCount, batch: batch, rounds: try (0..<rounds).map { _ in try executable.profile(inputs) },
      peak: peak, memory: executable.memory)
    if let plot { try Data(ProfileChart(profile: profile).svg.utf8).write(to: URL(filePath: plot), options: .atomic) }
    if options.json {
      try print(profile.jsonText())
    } else {
      print(profile.table)
      print(profile.summary)
      print(profile.machine)
    }
  }
}

extension Encodable {
  /// Indented, with sorted keys.
  func jsonText() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
