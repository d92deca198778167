import Foundation
import Testing
import ZooSoftwareDevice
import ZooTinyModels

/// The programs with a GPU, for which the software device stands, and without one.
@Suite(.timeLimit(.minutes(10))) struct GPUTests {
  private let folder = try! TemporaryFolder()

  private var models: URL { folder.url.appending(path: "models") }

  /// Kernels that one of these tests compiled need not be compiled by the next.
  private static let cache = try! TemporaryFolder()

  /// A GPU for a program that is started.
  ///
  /// - Parameter cache: nil for that of all tests.
  private func gpu(cache: URL? = nil) throws -> [String: String] {
    [
      "ZOO_LIBRARY_PATH": try SoftwareDevice.shared.get().folder.path,
      "XDG_CACHE_HOME": (cache ?? Self.cache.url).path,
    ]
  }

  private func write(_ placement: String) throws {
    try TinyModel(extra: "placement { \(placement) }").write(to: models.appending(path: "tiny/1"))
  }

  @Test(
    "a model on the GPU passes its golden there and answers", arguments: ["DEVICE_CUDA", "DEVICE_AUTO"])
  func serves(_ device: String) async throws {
    try write("device: \(device)")
    let server = try await Programs.ServerProcess(models: models, environment: gpu(cache: folder.url))
    let list = try await Programs.zoo("list", server: server.address)
    #expect(list.status == 0 && list.output.contains("available") && list.output.contains("cuda"), "\(list)")
    let picture = Programs.repository.appending(path: "models/horse2zebra/1/golden/horse.png")
    let answer = try await Programs.zoo(
      "translate", "tiny", picture.path, "-o", folder.url.appending(path: "out.png").path, server: server.address)
    #expect(answer.status == 0, "\(answer)")
    // The kernels that were compiled are kept for the next start, and which were fastest.
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "zoo/kernels").path)
    #expect(kept.count { $0.hasSuffix(".kernels") } == 1 && kept.count { $0.hasSuffix(".choices") } == 1)
  }

  @Test("of two GPUs each model is where its manifest says, and `zoo list` shows it")
  func twoGPUs() async throws {
    try write("device: DEVICE_CUDA gpus: 1")
    try TinyModel("other", extra: "placement { gpus: 0 }").write(to: models.appending(path: "other/1"))
    let environment = try gpu().merging(["ZOO_SOFTWARE_DEVICES": "2"]) { $1 }
    let server = try await Programs.ServerProcess(models: models, ["--gpu", "0,1"], environment: environment)
    let list = try await Programs.zoo("list", server: server.address)
    let lines = list.output.split(separator: "\n")
    #expect(lines.contains { $0.contains("tiny@1") && $0.contains("cuda:1") }, "\(list)")
    #expect(lines.contains { $0.contains("other@1") && $0.contains("cuda:0") }, "\(list)")
  }

  @Test("a model whose instances are on two GPUs is shown so by `zoo list` and `zoo info`, and by --json one by one")
  func instancesOnTwoGPUs() async throws {
    try write("device: DEVICE_CUDA instances: 2 gpus: [0, 1]")
    let environment = try gpu().merging(["ZOO_SOFTWARE_DEVICES": "2"]) { $1 }
    let server = try await Programs.ServerProcess(models: models, environment: environment)
    let list = try await Programs.zoo("list", server: server.address)
    #expect(list.output.contains(" cuda:0,1 "), "\(list)")
    let info = try await Programs.zoo("info", "tiny", server: server.address)
    #expect(info.output.contains("float32 on cuda:0,1"), "\(info)")
    struct List: Decodable {
      struct Model: Decodable { var device: String, devices: [String] }
      var models: [Model]
    }
    let json = try await Programs.zoo("list", "--json", server: server.address)
    let model = try #require(JSONDecoder().decode(List.self, from: Data(json.output.utf8)).models.first)
    #expect(model.device == "cuda:0,1" && model.devices == ["cuda:0", "cuda:1"])
  }

  @Test("a model that asks for a GPU does not load without one, and says why; one that takes what there is does")
  func withoutGPU() async throws {
    try write("device: DEVICE_CUDA")
    try TinyModel("either", extra: "placement { device: DEVICE_AUTO }").write(to: models.appending(path: "either/1"))
    let server = try await Programs.ServerProcess(models: models, ["--no-gpu"])
    let asked = try await Programs.zoo("info", "tiny", server: server.address)
    #expect(asked.output.contains("started with --no-gpu"), "\(asked)")
    let either = try await Programs.zoo("info", "either", server: server.address)
    #expect(either.output.contains("cpu"), "\(either)")
  }

  @Test("gpu-check finds nothing wrong on the software device, and writes every row")
  func check() async throws {
    try write("device: DEVICE_AUTO")
    let file = folder.url.appending(path: "check.json")
    let result = try await Programs.zooServer(
      [
        "gpu-check", "--models", models.path, "--batch", "1", "--duration", "0.01", "--codes", "20000", "--repeats",
        "2", "--json", file.path,
      ],
      environment: gpu())
    #expect(result.status == 0, "\(result)")
    struct Row: Decodable {
      var check, work, precision: String
      var passed: Bool
    }
    let rows = try JSONDecoder().decode([Row].self, from: Data(contentsOf: file))
    #expect(rows.allSatisfy { $0.passed })
    #expect(
      Set(rows.map { "\($0.check) \($0.precision)" }) == [
        "operations float32", "operations tf32", "operations bfloat16", "operations float16", "goldens float32",
        "tile float32", "tile tf32", "tile bfloat16", "tile float16", "batch invariance float32",
        "batch invariance bfloat16", "against float32 bfloat16", "against float32 float16", "time float32",
        "time bfloat16", "time float16", "hamming binary", "hamming time binary",
      ])
  }

  @Test("a list of GPUs that makes no sense is refused", arguments: ["0,0", "64", "first", "1,"])
  func badList(_ list: String) async throws {
    let result = try await Programs.zooServer(["serve", "--gpu", list])
    #expect(result.status == 64)
    #expect(result.errors.contains("'\(list)'") && result.errors.contains("from 0 to 63, each once"), "\(result)")
  }

  @Test("gpu-check without a GPU says what is missing")
  func checkWithoutGPU() async throws {
    let result = try await Programs.zooServer(["gpu-check", "--gpu", "63"])
    #expect(result.status != 0)
    #expect(result.errors.contains("libcuda.so.1") || result.errors.contains("cuda:63"), "\(result)")
  }
}
