import Foundation
import Testing
import ZooBackend
import ZooCPU
import ZooCycleGAN
import ZooTinyModels

@testable import ZooRuntime

struct TuningFileTests {
  private let folder = try! TemporaryFolder()

  private var file: URL { folder.url.appending(path: "tiny/1/tuning.json") }

  private func load(tunes: Bool) throws -> OfflineModel {
    try OfflineModel(
      "tiny", version: nil, models: folder.url, plugins: [CycleGANPlugin.self], backend: CPUBackend(threads: 1),
      tunes: tunes)
  }

  @Test("what is measured lies beside the model's files and is used from then on")
  func keeps() throws {
    try TinyModel(width: 8).install(in: folder.url)
    #expect(try load(tunes: false).instance.tuning.choices.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: file.path()))

    let measured = try load(tunes: true).instance.tuning.choices
    #expect(measured.count > 1)
    #expect(try load(tunes: false).instance.tuning.choices == measured)
    let again = try load(tunes: true)
    #expect(!again.instance.tuning.hasChanged)
    #expect(try again.instance.selfTest() < 0.001)
  }

  @Test("of a model that fails its goldens nothing is kept")
  func failsItsGoldens() throws {
    try TinyModel(fault: .wrongGolden).install(in: folder.url)
    #expect(throws: (any Error).self) { _ = try load(tunes: true) }
    #expect(!FileManager.default.fileExists(atPath: file.path()))
  }

  @Test("a file that cannot be read counts as none, and is written anew", arguments: ["", "{", "[1]", #"{"a": 1}"#])
  func isDamaged(text: String) throws {
    try TinyModel().install(in: folder.url)
    try Data(text.utf8).write(to: file)
    #expect(try load(tunes: false).instance.tuning.choices.isEmpty)
    let measured = try load(tunes: true).instance.tuning.choices
    #expect(try JSONDecoder().decode([String: String].self, from: Data(contentsOf: file)) == measured)
  }

  @Test("where it cannot be written, the one who asked is told")
  func cannotBeWritten() throws {
    try TinyModel().install(in: folder.url)
    // A folder stands where the file would.
    try FileManager.default.createDirectory(
      at: file.appending(path: "inside"), withIntermediateDirectories: true)
    let error = #expect(throws: (any Error).self) { _ = try load(tunes: true) }
    #expect("\(try #require(error))".contains("--tune"))
  }
}
