import Foundation
import Testing
import ZooBackbones
import ZooBackend
import ZooCPU
import ZooPluginKit

@testable import ZooSearchHasher

struct SearchHasherPluginTests {
  private static let features = 32

  private let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-hasher-\(UUID().uuidString)")

  /// The plugin on the small ResNet-18 of the fixtures, with heads made here.
  private func plugin(
    bits: Int = 40, rows: Int? = nil, categories: Int = 3, names: Int? = nil, columns: Int = features
  ) throws -> SearchHasherPlugin {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let path = { (name: String) in folder.appending(path: name).path(percentEncoded: false) }
    func tensor(_ shape: Shape) throws -> Tensor {
      try Tensor((0..<shape.elementCount).map { Float(($0 * 37) % 19 - 9) / 40 }, shape: shape)
    }
    try SafetensorsWriter.write(
      Weights([
        "hash.weight": tensor(Shape([rows ?? bits, columns])), "hash.bias": tensor(Shape([rows ?? bits])),
        "category.weight": tensor(Shape([categories, columns])), "category.bias": tensor(Shape([categories])),
      ]), to: path("heads.safetensors"))
    try Data((0..<(names ?? categories)).map { "category \($0)\n" }.joined().utf8)
      .write(to: URL(filePath: path("categories.txt")))
    var configuration = SearchHasherConfig()
    configuration.trunk = .resnet18
    configuration.bits = UInt32(bits)
    configuration.preprocessing.shortSide = 64
    configuration.preprocessing.crop = 64
    let trunk = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Fixtures/classifier/resnet18.safetensors").path(percentEncoded: false)
    return try SearchHasherPlugin(
      configuration,
      files: ModelFiles(locations: [
        "trunk.safetensors": trunk, "heads.safetensors": path("heads.safetensors"),
        "categories.txt": path("categories.txt"),
      ]))
  }

  private func picture() throws -> ModelInput.Value {
    .image(try Image(width: 80, height: 64, pixels: (0..<80 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 * 11) }).png())
  }

  private func answer(_ plugin: SearchHasherPlugin, _ parameters: [String: ModelInput.Parameter] = [:]) throws
    -> ModelOutput
  {
    let item = try plugin.preparedItem(for: ModelInput(values: ["image": try picture()], parameters: parameters))
    let executable = try CPUBackend(threads: 1).compile(plugin.network(), options: CompileOptions())
    return try item.finish(executable.run(item.tensors))
  }

  @Test func packsBitsFromTheLeastSignificant() {
    let code = SearchHasherPlugin.packed([0.9, 0.1, 0.5, 0.51, 0, 0, 0, 1, 1, 0])
    #expect(code.bits == 10)
    #expect(Array(code.data) == [0b1000_1001, 0b0000_0001])
  }

  @Test func answersWithCodeCategoriesAndTheFeaturesThatMadeThem() throws {
    let plugin = try plugin()
    let output = try answer(plugin, ["embedding": .text("yes"), "top_k": .integer(2)])
    #expect(output.values.map(\.name) == ["code", "categories", "embedding"])
    guard case .code(let code) = output.values[0].value, case .labels(let labels) = output.values[1].value,
      case .tensor(let embedding) = output.values[2].value
    else {
      Issue.record("other values came back")
      return
    }
    #expect(code.bits == 40)
    #expect(code.data.count == 5)
    #expect(labels.count == 2)
    #expect(labels[0].probability >= labels[1].probability)
    // The code again, from the features that came back, by hand.
    let features = embedding.floats()
    for bit in 0..<40 {
      var sum = Double((bit * 37) % 19 - 9) / 40
      for (column, feature) in features.enumerated() {
        sum += Double(feature) * Double(((bit * Self.features + column) * 37) % 19 - 9) / 40
      }
      if abs(sum) > 1e-4 { #expect((code.data[bit / 8] >> (bit % 8) & 1 == 1) == (sum > 0), "bit \(bit)") }
    }
  }

  @Test func theEmbeddingComesOnlyWhereItIsAskedFor() throws {
    #expect(try answer(plugin()).values.map(\.name) == ["code", "categories"])
  }

  @Test func refusesHeadsThatDoNotFit() {
    #expect { try plugin(bits: 33) } throws: { "\($0)".contains("config.bits is 33") }
    #expect { try plugin(bits: 8192) } throws: { "\($0)".contains("config.bits is 8192") }
    #expect { try plugin(bits: 40, rows: 48) } throws: { "\($0)".contains("48") }
    #expect { try plugin(columns: 16) } throws: { "\($0)".contains("32 features") }
    #expect { try plugin(categories: 3, names: 2) } throws: { "\($0)".contains("config.categories names 2") }
  }
}
