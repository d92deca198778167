import ArgumentParser
import Foundation
import ZooBackend
import ZooCUDA
import ZooOpParity
import ZooRuntime
import ZooTensor

/// `zoo-server gpu-check`
struct GPUCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gpu-check",
    abstract: "Holds a GPU against the Float64 reference, the models' goldens and itself, and takes times.",
    discussion: """
      Every operation is run on odd shapes in each precision; the kernels of convolutions give the same bits as each \
      other, again and again; every model of the folder reproduces its goldens, gives a picture that the GPU resamples \
      the same bits as one of the processor, and an item of a batch the same bits as alone, and says what bfloat16 and \
      float16 cost in accuracy. The nearest codes are those that plain loops find, and are searched for at a share of the \
      speed of a copy. With --cuda-libraries all this is of networks that cuDNN and cuBLASLt compute where they are \
      faster, and items of a batch may be rounded in other ways than alone.

      Prints a table, row by row; exits with 1 where something is wrong. `tools/gpu-check` runs it with the benchmarks against PyTorch besides.
      """)

  @OptionGroup(title: "GPU") var gpuOptions: GPUOptions

  @Option(name: .customLong("models"), help: "The folder with the models.", completion: .directory)
  var modelsFolder: String = "models"

  @Option(help: "Batches to take times of: a number, or several: 1,32")
  var batch: CountList = CountList(counts: [1, 8, 32])

  @Option(name: .shortAndLong, help: "Seconds to measure, for each model and batch.")
  var duration: Double = 1

  @Option(help: "Codes of 64 bits to search for times.")
  var codes: Int = 100_000_000

  @Flag(help: "Take no times, for example under compute-sanitizer.")
  var untimed = false

  @Flag(help: "Check operations and kernels alone, no models and no codes.")
  var operationsOnly = false

  @Option(help: "How often each kernel of a convolution is run and held against the others.")
  var repeats: Int = 20

  @Option(help: "A file to write the rows to, as JSON.", completion: .file())
  var json: String?

  func validate() throws {
    guard duration > 0, duration <= 3600 else { throw ValidationError("--duration is \(duration): give up to 3600") }
    guard 1...100_000 ~= repeats else { throw ValidationError("--repeats is \(repeats): give 1 to 100000") }
    guard 1...4_000_000_000 ~= codes else { throw ValidationError("--codes is \(codes): give 1 to 4000000000") }
  }

  func run() async throws {
    let table = GPUCheckTable(file: json.map { URL(filePath: $0) })
    for ordinal in gpuOptions.ordinals ?? [0] { try await check(ordinal, table) }
    let failures = table.rows.count { !$0.passed }
    print(failures == 0 ? "nothing wrong" : "\(failures) of \(table.rows.count) rows are wrong")
    guard failures == 0 else { throw ExitCode(1) }
  }

  /// All rows of one card. What fails is a row, and the next is tried.
  private func check(_ ordinal: Int, _ table: GPUCheckTable) async throws {
    let usesVendorLibraries = gpuOptions.usesVendorLibraries
    let backend = try gpuOptions.required(ordinal, usesVendorLibraries: usesVendorLibraries)
    let rounded = try gpuOptions.required(ordinal, allowsTF32: true, usesVendorLibraries: usesVendorLibraries)
    try table.begin(backend)
    try table.add(
      backend.missingVendorLibraries.map {
        GPUCheckRow(check: "library", work: "", precision: "", passed: false, note: $0.message)
      })
    var kinds = [(backend, Precision.float32, "float32", ParityBound.float32)]
    if backend.device.computeCapability >= 80 {
      kinds += [
        (rounded, .float32, "tf32", .tf32), (backend, .bfloat16, "bfloat16", .bfloat16),
        (backend, .float16, "float16", .float16),
      ]
    }
    for (backend, precision, name, bound) in kinds {
      try await table.add(failingAs: GPUCheckRow(check: "operations", work: "", precision: name, passed: false)) {
        try parity(of: backend, precision, named: name, within: bound)
      }
      try await table.add(failingAs: GPUCheckRow(check: "tile", work: "", precision: name, passed: false)) {
        try TileCheck(backend: backend, repeats: repeats).rows(precision, named: name)
      }
    }
    guard !operationsOnly else { return }
    let models = URL(filePath: modelsFolder, directoryHint: .isDirectory)
    for id in try OfflineModel.versions(in: models, plugins: plugins) {
      try await table.add(failingAs: GPUCheckRow(check: "model", work: "\(id)", precision: "float32", passed: false)) {
        let model = try OfflineModel(
          id.name, version: id.version, models: models, plugins: plugins, backend: backend)
        let check = ModelCheck(model: model, backend: backend, usesVendorLibraries: usesVendorLibraries)
        return try check.rows() + (untimed ? [] : await times(of: model, on: backend))
      }
    }
    try await table.add(failingAs: GPUCheckRow(check: "hamming", work: "", precision: "binary", passed: false)) {
      try HammingCheck(backend: backend).rows()
    }
    guard !untimed else { return }
    try await table.add(failingAs: GPUCheckRow(check: "hamming time", work: "", precision: "binary", passed: false)) {
      try await HammingCheck(backend: backend).times(count: codes, duration: duration)
    }
  }

  /// The op-parity table: what is wrong row by row, what is right as one row with the largest error.
  private func parity(
    of backend: CUDABackend, _ precision: Precision, named name: String, within bound: ParityBound
  ) throws -> [GPUCheckRow] {
    let results = try checkParity(
      of: backend, within: bound, options: CompileOptions(precision: precision),
      plansShapes: gpuOptions.usesVendorLibraries)
    let wrong = results.filter { !$0.isWithinTolerance }
    let errors = results.filter(\.isWithinTolerance).compactMap { result -> Double? in
      if case .error(let error) = result.outcome { error } else { nil }
    }
    return wrong.map {
      GPUCheckRow(check: "operation", work: $0.name, precision: name, passed: false, note: $0.description)
    } + [
      GPUCheckRow(
        check: "operations", work: "\(errors.count) of \(results.count)", precision: name, passed: wrong.isEmpty,
        error: errors.max(), tolerance: bound.tolerance)
    ]
  }

  private func times(of model: OfflineModel, on backend: CUDABackend) async throws -> [GPUCheckRow] {
    let meter = GPUMeter(backend)
    var rows: [GPUCheckRow] = []
    for precision in [Precision.float32, .bfloat16, .float16]
    where precision == .float32 || backend.device.computeCapability >= 80 {
      let calls = try batch.counts.map { batch in (batch, try model.inputs().map { try $0.repeated(batch) }) }
      let shapes = calls.map { $0.1.map(\.shape) }
      let executable = try backend.compile(
        model.graph, options: CompileOptions(plannedShapes: shapes, precision: precision))
      for (batch, inputs) in calls {
        var row = GPUCheckRow(
          check: "time", work: model.name, precision: "\(precision)", batch: batch, passed: true)
        row.take(try await meter.times(for: duration) { _ = try executable.run(inputs) })
        if gpuOptions.usesVendorLibraries { row.note = try (executable as? CUDAExecutable)?.libraryNote(inputs) ?? "" }
        rows.append(row)
      }
    }
    return rows
  }
}

extension CUDAExecutable {
  /// Which layers libraries compute: `cuDNN 19, cuBLASLt 33 of 76 steps`.
  fileprivate func libraryNote(_ inputs: [Tensor]) throws -> String {
    let algorithms = try profile(inputs).map(\.algorithm)
    let counts = ["cuDNN", "cuBLASLt"].map { name in "\(name) \(algorithms.count { $0.contains(name) })" }
    return "\(counts.joined(separator: ", ")) of \(algorithms.count) steps"
  }
}
