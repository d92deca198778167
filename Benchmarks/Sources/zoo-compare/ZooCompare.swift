public import ArgumentParser
import Foundation
import Measuring
import ZooBackend
public import ZooCPU
import ZooCUDA
import ZooProtocol
import ZooTensor
import ZooWeights

/// Our side of `tools/compare-engines`, where the protocol is described: a network alone, asked over standard input.
@main
struct ZooCompare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo-compare", abstract: "Runs and times a network as tools/compare-engines asks.")

  @Option(help: "The weights, a safetensors file.") var weights: String
  @Option(help: "Which network: \(Network.allValueStrings.joined(separator: ", ")).") var network: Network
  @Option(help: "The input's extents, N,H,W,C.") var shape: Extents
  @Option(help: "Threads of the CPU backend.") var threads: Int
  @Option(help: "Where the network runs: cpu or cuda.") var device: ComputeDevice = .cpu
  @Flag(name: .customLong("cuda-libraries"), help: "On a GPU, let cuDNN and cuBLASLt compute where they are faster.")
  var usesVendorLibraries = false
  @Option(help: "The widest instructions to use; the best there are unless told.")
  var instructionSet: InstructionSet?
  @Option(help: "What the network computes in: float32, bfloat16 or int8.") var precision: ComputePrecision = .float32
  @Flag(help: "Measure, while loading, which way of computing each layer is the fastest.") var tune = false
  @Option(help: "For int8, a safetensors file with `input` [COUNT, H, W, C]: what the network is calibrated on.")
  var calibration: String?

  func validate() throws {
    if precision == .int8, calibration == nil { throw ValidationError("--calibration is missing: int8 needs it") }
  }

  func run() throws {
    let precision = try compilePrecision()
    let start = ContinuousClock.now
    let backend: any Backend =
      switch device {
      case .cpu: try CPUBackend(threads: threads, instructionSet: instructionSet)
      case .cuda: try gpu()
      }
    let graph = try network.graph(weights: Weights(contentsOf: weights), shape: shape.shape)
    let executable = try backend.compile(
      graph,
      options: CompileOptions(plannedShapes: [[shape.shape]], precision: precision, tuning: Tuning(measures: tune)))
    try answer(.ready(loadMilliseconds: (ContinuousClock.now - start).milliseconds, version: zooVersion))

    var input = try Tensor.zeros(shape: shape.shape)
    while let line = readLine() {
      do {
        try answer(reply(to: JSONDecoder().decode(Request.self, from: Data(line.utf8)), executable, &input))
      } catch {
        try answer(.error("\(error)"))
      }
    }
  }

  /// - Throws: where a library is missing that was asked for: the figures would be those of another comparison.
  private func gpu() throws -> CUDABackend {
    let gpu = try CUDABackend(usesVendorLibraries: usesVendorLibraries)
    if let missing = gpu.missingVendorLibraries.first { throw missing }
    return gpu
  }

  /// Calibrates where that is needed, one input after the other, outside of what loading takes.
  private func compilePrecision() throws -> Precision {
    if precision == .bfloat16 { return .bfloat16 }
    guard precision == .int8, let calibration else { return .float32 }
    let inputs = try Weights(contentsOf: calibration)["input"]
    let item = try Shape([1] + inputs.shape.dimensions.dropFirst())
    let values = inputs.floats()
    let backend = try CPUBackend(threads: threads)
    let items = try (0..<inputs.shape[0]).map { index in
      [try Tensor(Array(values[index * item.elementCount..<(index + 1) * item.elementCount]), shape: item)]
    }
    return .int8(
      try Calibration(of: network.graph(weights: Weights(contentsOf: weights), shape: item), on: items, by: backend))
  }

  private func reply(to request: Request, _ executable: any Executable, _ input: inout Tensor) throws -> Answer {
    switch request {
    case .run(let source, let target):
      input = try Weights(contentsOf: source)["input"]
      var output: [Tensor] = []
      let duration = try ContinuousClock().measure { output = try executable.run([input]) }
      try SafetensorsWriter.write(Weights(["output": output[0]]), to: target)
      return .ran(milliseconds: duration.milliseconds)
    case .time(let count):
      return .milliseconds(
        try (0..<count).map { _ in
          try ContinuousClock().measure { _ = try executable.run([input]) }.milliseconds
        })
    case .residentMemory:
      return .residentMemory(mebibytes: try ResidentMemory.peak())
    }
  }

  private func answer(_ answer: Answer) throws {
    try FileHandle.standardOutput.write(contentsOf: JSONEncoder().encode(answer) + Data("\n".utf8))
  }
}

enum ComputeDevice: String, ExpressibleByArgument {
  case cpu, cuda
}

enum ComputePrecision: String, ExpressibleByArgument {
  case float32, bfloat16, int8
}

/// `1,256,256,3`
struct Extents: ExpressibleByArgument {
  let shape: Shape

  init?(argument: String) {
    let extents = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard extents.count == 4, extents.allSatisfy({ $0 ?? 0 > 0 }), let shape = try? Shape(extents.compactMap(\.self))
    else { return nil }
    self.shape = shape
  }
}

extension InstructionSet: @retroactive ExpressibleByArgument {
  public static var allValueStrings: [String] { allCases.map { $0.description.lowercased() } }

  public init?(argument: String) {
    guard let set = Self.allCases.first(where: { $0.description.lowercased() == argument }) else { return nil }
    self = set
  }
}
