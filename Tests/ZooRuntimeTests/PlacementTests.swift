import Foundation
import Logging
import Synchronization
import Testing
import ZooBackend
import ZooCPU
import ZooCycleGAN
import ZooEventually
import ZooGraph
import ZooPluginKit
import ZooProtocol
import ZooTensor
import ZooTinyModels

@testable import ZooRuntime

/// Where models run, where they go when that is out of use, and what is said where there is nowhere to go.
struct PlacementTests {
  private let folder = try! TemporaryFolder()

  /// A backend under the GPU's name that can be taken out of use, with all that it compiled.
  private final class FragileBackend: Backend {
    let name = "cuda"
    private let inner: any Backend
    private let isBroken = Mutex(false)

    init(_ inner: any Backend) { self.inner = inner }

    func takeOutOfUse() { isBroken.withLock { $0 = true } }

    fileprivate func check() throws {
      if isBroken.withLock({ $0 }) { throw BackendError(.unavailable, "the card is out of use: restart the server") }
    }

    func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
      try check()
      return FragileExecutable(backend: self, inner: try inner.compile(graph, options: options))
    }
  }

  private final class FragileExecutable: Executable {
    private let backend: FragileBackend
    private let inner: any Executable

    init(backend: FragileBackend, inner: any Executable) { (self.backend, self.inner) = (backend, inner) }

    var memory: MemoryUse { inner.memory }

    func run(_ inputs: [Tensor]) throws -> [Tensor] {
      try backend.check()
      return try inner.run(inputs)
    }
  }

  private let missing = UnavailableBackend(
    name: "cuda", reason: BackendError(.unavailable, "libcuda.so.1 was not found in /usr/lib: install the driver"))

  private func runtime(
    _ backends: [any Backend], placement: String, precision: String = "PRECISION_FLOAT32"
  ) async throws -> ModelRuntime {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let models = folder.url.appending(path: "models")
    try TinyModel(extra: "placement { device: \(placement) precision: \(precision) }").write(
      to: models.appending(path: "tiny/1"))
    let runtime = try ModelRuntime(
      .init(models: models, preparationThreads: 2), plugins: [CycleGANPlugin.self], backends: backends, logger: logger)
    await runtime.start()
    return runtime
  }

  private func call(_ runtime: ModelRuntime) async throws {
    let picture = try Tensor.zeros(shape: [1, 12, 20, 3])
    _ = try await runtime.infer(
      "tiny", version: 0,
      input: ModelInput(values: ["image": .tensor(picture)], parameters: ["format": .text("tensor")]),
      deadline: .now + .seconds(600))
  }

  private func status(_ runtime: ModelRuntime) async throws -> WireModelStatus {
    try #require(await runtime.list().first)
  }

  @Test("a manifest that asks for a GPU where there is none fails with what is missing and the remedy")
  func missingGPU() async throws {
    let runtime = try await runtime([missing, CPUBackend(threads: 1)], placement: "DEVICE_CUDA")
    let status = try await status(runtime)
    #expect(status.state == .ended)
    #expect(status.reason == "libcuda.so.1 was not found in /usr/lib: install the driver")
  }

  @Test("auto runs on the CPU where there is no GPU, and on the GPU where there is one")
  func auto() async throws {
    for (backends, device) in [
      ([missing, try CPUBackend(threads: 1)] as [any Backend], "cpu"),
      ([FragileBackend(try CPUBackend(threads: 1)), try CPUBackend(threads: 1)], "cuda"),
    ] {
      let runtime = try await runtime(backends, placement: "DEVICE_AUTO")
      #expect(try await status(runtime).device == device)
      try await call(runtime)
    }
  }

  @Test("auto leaves a GPU that cannot run the network alone")
  func autoUnsupported() async throws {
    let runtime = try await runtime([FragileBackend(missing), CPUBackend(threads: 1)], placement: "DEVICE_AUTO")
    #expect(try await status(runtime).device == "cpu")
  }

  @Test("auto leaves a GPU whose driver or compiler fails, and says why")
  func autoFails() async throws {
    let broken = UnavailableBackend(name: "cuda", reason: BackendError(.internalFailure, "NVRTC finds no builtins"))
    let runtime = try await runtime([FragileBackend(broken), CPUBackend(threads: 1)], placement: "DEVICE_AUTO")
    #expect(try await status(runtime).device == "cpu")
    #expect(try await status(runtime).reason == "cuda: NVRTC finds no builtins")
    try await call(runtime)
  }

  /// Answers, and wrongly.
  private struct WrongBackend: Backend, Executable {
    let name = "cuda"
    var memory: MemoryUse { MemoryUse(weights: 0, activations: 0) }

    func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable { self }

    func run(_ inputs: [Tensor]) throws -> [Tensor] { [try Tensor.zeros(shape: inputs[0].shape)] }
  }

  @Test("auto leaves a GPU that does not reproduce the goldens; a model that asked for it does not load")
  func wrongAnswers() async throws {
    let auto = try await runtime([WrongBackend(), CPUBackend(threads: 1)], placement: "DEVICE_AUTO")
    #expect(try await status(auto).device == "cpu")
    #expect(try await status(auto).reason.contains("goldens[0]"))
    try await call(auto)
    let asked = try await runtime([WrongBackend(), CPUBackend(threads: 1)], placement: "DEVICE_CUDA")
    #expect(try await status(asked).state == .ended)
    #expect(try await status(asked).reason.contains("goldens[0]"))
  }

  @Test("auto moves to the CPU when the GPU is lost, and the request that found out is answered")
  func moves() async throws {
    let gpu = FragileBackend(try CPUBackend(threads: 1))
    let runtime = try await runtime([gpu, CPUBackend(threads: 1)], placement: "DEVICE_AUTO")
    try await call(runtime)
    gpu.takeOutOfUse()
    try await call(runtime)
    let status = try await status(runtime)
    #expect(status.device == "cpu")
    #expect(status.state == .available)
    #expect(status.reason == "cuda: the card is out of use: restart the server")
  }

  /// Computes in float32 what it is asked for in float16, as a GPU may.
  private struct HalfBackend: Backend {
    let inner: any Backend
    var name: String { inner.name }

    func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
      #expect(options.precision == .float16)
      var options = options
      options.precision = .float32
      return try inner.compile(graph, options: options)
    }
  }

  @Test("a model in float16 does not load where there is the CPU alone, and is told what to ask for")
  func float16WithoutGPU() async throws {
    for (device, others) in [
      ("DEVICE_CPU", []), ("DEVICE_AUTO", [missing]), ("DEVICE_AUTO", [FragileBackend(missing)]),
    ]
      as [(String, [any Backend])]
    {
      let runtime = try await runtime(
        others + [CPUBackend(threads: 1)], placement: device, precision: "PRECISION_FLOAT16")
      let status = try await status(runtime)
      #expect(status.state == .ended)
      #expect(status.reason.contains("PRECISION_BFLOAT16 or PRECISION_FLOAT32, or run it on a GPU"), "\(status.reason)")
      // A GPU that was there and could not is told of as well.
      #expect(status.reason.contains("libcuda.so.1") == others.contains { $0 is FragileBackend })
    }
  }

  @Test("a model in float16 runs on the GPU, and leaves service when it is lost: the CPU cannot take it")
  func float16() async throws {
    let gpu = FragileBackend(try CPUBackend(threads: 1))
    let runtime = try await runtime(
      [HalfBackend(inner: gpu), CPUBackend(threads: 1)], placement: "DEVICE_AUTO", precision: "PRECISION_FLOAT16")
    #expect(try await status(runtime).precision == "float16")
    try await call(runtime)
    gpu.takeOutOfUse()
    _ = await #expect(throws: ZooError.self) { try await call(runtime) }
    try await eventually("nobody waits for it any more") { try await self.status(runtime).state != .draining }
    let status = try await status(runtime)
    #expect(status.state == .ended)
    for part in ["has no float16", "cuda: the card is out of use"] { #expect(status.reason.contains(part)) }
  }

  @Test("a model that asked for the GPU leaves service when the GPU is lost, and says why")
  func leaves() async throws {
    let gpu = FragileBackend(try CPUBackend(threads: 1))
    let runtime = try await runtime([gpu, CPUBackend(threads: 1)], placement: "DEVICE_CUDA")
    try await call(runtime)
    gpu.takeOutOfUse()
    let first = await #expect(throws: ZooError.self) { try await call(runtime) }
    #expect(first?.message == "the card is out of use: restart the server")
    try await eventually("nobody waits for it any more") { try await self.status(runtime).state != .draining }
    let status = try await status(runtime)
    #expect(status.state == .ended)
    #expect(status.reason == "the card is out of use: restart the server")
    let second = await #expect(throws: ZooError.self) { try await call(runtime) }
    #expect(second?.message.contains("does not serve: the card is out of use") == true)
  }
}
