import Foundation
import Testing
import ZooCPU
import ZooCycleGAN
import ZooPluginKit
import ZooTinyModels

@testable import ZooRuntime

/// What `zoo-server check` finds without a server.
struct CheckingTests {
  private let folder = try! TemporaryFolder()
  private var models: URL { folder.url.appending(path: "models") }
  private let plugins: [any ModelPlugin.Type] = [CycleGANPlugin.self]

  private func check(_ folder: URL? = nil, goldens: Bool = false) throws -> (
    versions: Int, problems: [ModelRepository.Problem]
  ) {
    ModelRepository.check(
      folder ?? models, plugins: plugins, runningGoldensOn: goldens ? try CPUBackend(threads: 1) : nil)
  }

  /// A model whose manifest was changed after the fact.
  private func install(_ name: String, _ change: (String) -> String) throws {
    try TinyModel(name).install(in: models)
    let file = models.appending(path: "\(name)/1/manifest.textproto")
    try Data(change(String(contentsOf: file, encoding: .utf8)).utf8).write(to: file)
  }

  @Test("what is wrong with files is found, for every version")
  func files() throws {
    try TinyModel("good").install(in: models)
    try TinyModel("damaged", fault: .corruptFile).install(in: models)
    try TinyModel("missing", fault: .missingFile).install(in: models)
    try TinyModel("renamed").write(to: models.appending(path: "other/1"))
    let link = models.appending(path: "linked/1")
    try TinyModel("linked").write(to: link)
    try FileManager.default.removeItem(at: link.appending(path: "weights.safetensors"))
    try FileManager.default.createSymbolicLink(
      at: link.appending(path: "weights.safetensors"),
      withDestinationURL: models.appending(path: "good/1/weights.safetensors"))
    let (versions, problems) = try check()
    #expect(versions == 5)
    #expect(Set(problems.map(\.place)) == ["damaged/1", "missing/1", "other/1", "linked/1"])
    #expect(problems.contains { $0.message.contains("symbolic link") })
    let single = try check(models.appending(path: "good/1"))
    #expect(single.versions == 1)
    #expect(single.problems.isEmpty)
  }

  @Test("where no manifest is there is no model, and that is a mistake")
  func noManifest() throws {
    let empty = try check(folder.url)
    #expect(empty.versions == 0)
    #expect(empty.problems.count == 1 && empty.problems[0].message.contains("there is no model"), "\(empty.problems)")
    // A folder between, and a version's files without the manifest.
    try TinyModel("good").install(in: models)
    #expect(try check(models.appending(path: "good")).problems.map(\.message) == empty.problems.map(\.message))
    try FileManager.default.removeItem(at: models.appending(path: "good/1/manifest.textproto"))
    #expect(try check().problems.map(\.description) == ["good/1: there is no manifest.textproto"])
    #expect(try check(models.appending(path: "good/1")).problems.map(\.message) == empty.problems.map(\.message))
    // A model without the folder of its version.
    try TinyModel("whole").install(in: models)
    try TinyModel("flat").write(to: models.appending(path: "flat"))
    #expect(try check().problems.map(\.place) == ["flat", "good/1"])
  }

  @Test("what shows only when the plugin is made is found")
  func plugin() throws {
    try TinyModel("good").install(in: models)
    try TinyModel("blocks", fault: .wrongConfiguration).install(in: models)
    try TinyModel("nan", fault: .notFinite).install(in: models)
    try install("width") { $0.replacing("base_width: 2", with: "base_width: 3") }
    try install("unset") { manifest in
      manifest.replacing(/(?s)config \{.*?\n\}/, with: "")
    }
    try install("shape") { $0 + "inputs { name: \"image\" shape: [1, 3] }\n" }
    let (versions, problems) = try check()
    #expect(versions == 6)
    #expect(problems.map(\.place) == ["blocks/1", "nan/1", "shape/1", "unset/1", "width/1"])
    #expect(problems.first { $0.place == "width/1" }?.message.contains("base_width") == true, "\(problems)")
    #expect(problems.first { $0.place == "shape/1" }?.message.contains("inputs[0].shape") == true, "\(problems)")
  }

  @Test("goldens are run where that is asked for, wherever the model is placed")
  func goldens() throws {
    try TinyModel("good", extra: "placement { device: DEVICE_CUDA gpus: [3] }").install(in: models)
    try TinyModel("other", fault: .wrongGolden).install(in: models)
    #expect(try check().problems.isEmpty)
    let (versions, problems) = try check(goldens: true)
    #expect(versions == 2)
    #expect(problems.map(\.place) == ["other/1"])
    #expect(problems.first?.message.contains("goldens[0]") == true, "\(problems)")
  }
}
