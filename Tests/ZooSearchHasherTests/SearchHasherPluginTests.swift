import Foundation
import Testing
import ZooBackbones
import ZooBackend
import ZooCPU
import ZooPluginKit

@testable import ZooSearchHasher

struct SearchHasherPluginTests {
  private static let features = 32

  private struct Attribute {
    var name: String
    var rows: Int
    var names: Int?
    var biases: Int?
  }

  private let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-hasher-\(UUID().uuidString)")

  /// The plugin on the small ResNet-18 of the fixtures, with heads made here.
  private func plugin(
    bits: Int = 40, rows: Int? = nil, categories: Int = 3, names: Int? = nil, columns: Int = features,
    attributes: [Attribute] = []
  ) throws -> SearchHasherPlugin {
    try FileManager.default.createDirectory(
      at: folder.appending(path: "attributes"), withIntermediateDirectories: true)
    let path = { (name: String) in folder.appending(path: name).path(percentEncoded: false) }
    func tensor(_ shape: Shape) throws -> Tensor {
      try Tensor((0..<shape.elementCount).map { Float(($0 * 37) % 19 - 9) / 40 }, shape: shape)
    }
    func write(_ count: Int, _ what: String, to name: String) throws {
      try Data((0..<count).map { "\(what) \($0)\n" }.joined().utf8).write(to: URL(filePath: path(name)))
    }
    var heads = [
      "hash.weight": try tensor(Shape([rows ?? bits, columns])), "hash.bias": try tensor(Shape([rows ?? bits])),
      "category.weight": try tensor(Shape([categories, columns])), "category.bias": try tensor(Shape([categories])),
    ]
    var locations = ["heads.safetensors": path("heads.safetensors"), "categories.txt": path("categories.txt")]
    var configuration = SearchHasherConfig()
    for attribute in attributes {
      heads["attribute.\(attribute.name).weight"] = try tensor(Shape([attribute.rows, columns]))
      heads["attribute.\(attribute.name).bias"] = try tensor(Shape([attribute.biases ?? attribute.rows]))
      let file = "attributes/\(attribute.name).txt"
      locations[file] = path(file)
      try write(attribute.names ?? attribute.rows, attribute.name, to: file)
      var head = AttributeHead()
      head.name = attribute.name
      configuration.attributes.append(head)
    }
    try SafetensorsWriter.write(Weights(heads), to: path("heads.safetensors"))
    try write(names ?? categories, "category", to: "categories.txt")
    configuration.trunk = .resnet18
    configuration.bits = UInt32(bits)
    configuration.preprocessing.shortSide = 64
    configuration.preprocessing.crop = 64
    let trunk = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Fixtures/classifier/resnet18.safetensors").path(percentEncoded: false)
    locations["trunk.safetensors"] = trunk
    return try SearchHasherPlugin(configuration, files: ModelFiles(locations: locations))
  }

  private func picture() throws -> ModelInput.Value {
    .image(try Image(width: 80, height: 64, pixels: (0..<80 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 * 11) }).png())
  }

  private func answer(_ plugin: SearchHasherPlugin, _ parameters: [String: ModelInput.Parameter] = [:]) throws
    -> ModelOutput
  {
    let item = try plugin.preparedItem(for: ModelInput(values: ["image": try picture()], parameters: parameters))
    let executable = try CPUBackend(threads: 1).compile(plugin.network(), options: CompileOptions())
    return try item.finish(executable.run(item.inputs.map { try $0.tensor() }))
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

  @Test func eachAttributeIsASoftmaxOverItsOwnRows() throws {
    let plugin = try plugin(attributes: [Attribute(name: "gender", rows: 2), Attribute(name: "baseColour", rows: 5)])
    let output = try answer(plugin, ["embedding": .text("yes"), "top_k": .integer(3)])
    #expect(
      output.values.map(\.name) == ["code", "categories", "attribute.gender", "attribute.baseColour", "embedding"])
    guard case .labels(let genders) = output.values[2].value, case .labels(let colours) = output.values[3].value,
      case .tensor(let embedding) = output.values[4].value
    else {
      Issue.record("other values came back")
      return
    }
    #expect(genders.count == 2)
    #expect(colours.count == 3)
    // The same from the features, by hand.
    let features = embedding.floats()
    for (labels, rows) in [(genders, 2), (colours, 5)] {
      let exponentials = (0..<rows).map { row in
        var logit = Double((row * 37) % 19 - 9) / 40
        for (column, feature) in features.enumerated() {
          logit += Double(feature) * Double(((row * Self.features + column) * 37) % 19 - 9) / 40
        }
        return exp(logit)
      }
      let likeliest = exponentials.sorted(by: >)
      for (place, label) in labels.enumerated() {
        #expect(abs(Double(label.probability) - likeliest[place] / exponentials.reduce(0, +)) < 1e-4)
        #expect(exponentials[label.index] == likeliest[place])
      }
    }
    #expect(colours.allSatisfy { $0.name == "baseColour \($0.index)" })
  }

  @Test func attributesCanBeLeftOut() throws {
    let plugin = try plugin(attributes: [Attribute(name: "season", rows: 4)])
    #expect(plugin.interface.outputs.map(\.name) == ["code", "categories", "attribute.season", "embedding"])
    #expect(try answer(plugin, ["attributes": .text("no")]).values.map(\.name) == ["code", "categories"])
  }

  @Test func aModelWithoutAttributesTakesNoSuchParameter() throws {
    #expect { try answer(plugin(), ["attributes": .text("yes")]) } throws: {
      "\($0)".contains("parameters has \"attributes\"")
    }
  }

  @Test func refusesAttributesThatDoNotFit() {
    func refuses(_ attributes: Attribute..., text: String) {
      #expect { try plugin(attributes: attributes) } throws: { "\($0)".contains(text) }
    }
    refuses(Attribute(name: "year", rows: 3, names: 2), text: "config.attributes[0].values names 2 values")
    refuses(Attribute(name: "year", rows: 3, biases: 4), text: "attribute.year.bias is [4]")
    refuses(Attribute(name: "a colour", rows: 3), text: "config.attributes[0].name is \"a colour\"")
    refuses(
      Attribute(name: "year", rows: 3), Attribute(name: "year", rows: 3),
      text: "config.attributes[1].name is \"year\", as that of another")
    #expect { try plugin(attributes: (0...64).map { Attribute(name: "a\($0)", rows: 2) }) } throws: {
      "\($0)".contains("config.attributes has 65 entries")
    }
  }

  @Test func refusesHeadsThatDoNotFit() {
    #expect { try plugin(bits: 33) } throws: { "\($0)".contains("config.bits is 33") }
    #expect { try plugin(bits: 8192) } throws: { "\($0)".contains("config.bits is 8192") }
    #expect { try plugin(bits: 40, rows: 48) } throws: { "\($0)".contains("48") }
    #expect { try plugin(columns: 16) } throws: { "\($0)".contains("32 features") }
    #expect { try plugin(categories: 3, names: 2) } throws: { "\($0)".contains("config.categories names 2") }
  }
}
