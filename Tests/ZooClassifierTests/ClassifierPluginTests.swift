import Foundation
import Testing
import ZooBackbones
import ZooBackend
import ZooCPU
import ZooPluginKit

@testable import ZooClassifier

struct ClassifierPluginTests {
  private static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  /// EfficientNet-Lite0 with its real weights, as the model that comes with the project configures it.
  private func efficientNet() throws -> ClassifierPlugin {
    let model = Self.repository.appending(path: "models/efficientnet-lite0/1")
    var configuration = ClassifierConfig()
    configuration.backbone = .efficientnetLite0
    configuration.preprocessing.interpolation = .bicubic
    configuration.preprocessing.mean = [127, 127, 127]
    configuration.preprocessing.deviation = [128, 128, 128]
    return try ClassifierPlugin(
      configuration,
      files: ModelFiles(locations: [
        "weights.safetensors": model.appending(path: "efficientnet-lite0.pth").path(percentEncoded: false),
        "labels.txt": model.appending(path: "labels.txt").path(percentEncoded: false),
      ]))
  }

  /// Every provided photograph, from its JPEG file: PyTorch's probabilities to 1e-4, and its first name.
  @Test func agreesWithPyTorchOnEveryPhotograph() throws {
    let shared = Self.repository.appending(path: "../shared/data")
    let folder = shared.appending(path: "images/imagenet-samples")
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted()
    else {
      print("skipped: ../shared/data, with the photographs, is not there")
      return
    }
    let goldens = try Weights(
      contentsOf: shared.appending(path: "golden/golden.safetensors").path(percentEncoded: false))
    let expected = try goldens["lite0_logits_100x1000"].floats()
    #expect(names.count == 100)
    let plugin = try efficientNet()
    let executable = try CPUBackend().compile(plugin.network(), options: CompileOptions())
    for (index, name) in names.enumerated() {
      let data = try Data(contentsOf: folder.appending(path: name))
      let input = ModelInput(values: ["image": .image(data)], parameters: ["top_k": .integer(1)])
      let (inputs, topK) = try plugin.prepare(input)
      let outputs = try executable.run(inputs.map { try $0.tensor() })
      let wanted = Logits(Array(expected[index * 1000..<(index + 1) * 1000])).probabilities
      let got = Logits(outputs[0]).probabilities
      let error = zip(got, wanted).map { abs($0 - $1) }.max() ?? 1
      #expect(error < 1e-4, "\(name)")
      guard case .labels(let labels)? = try plugin.finish(outputs, context: topK, for: input).values.first?.value else {
        Issue.record("\(name): no labels")
        continue
      }
      #expect(labels[0].index == wanted.indices.max { wanted[$0] < wanted[$1] }, "\(name)")
    }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let plugin = try efficientNet()
    func message(_ input: ModelInput) -> String {
      do {
        _ = try plugin.preparedItem(for: input)
        return ""
      } catch { return "\(error)" }
    }
    let tensor = ModelInput.Value.tensor(try .zeros(shape: [1, 224, 224, 3]))
    #expect(message(ModelInput(values: ["image": tensor])).isEmpty)
    #expect(message(ModelInput(values: ["image": tensor], parameters: ["top_k": .integer(0)])).contains("top_k"))
    #expect(message(ModelInput(values: ["image": tensor], parameters: ["top_k": .integer(1001)])).contains("1000"))
    #expect(
      message(ModelInput(values: ["image": .tensor(try .zeros(shape: [1, 3, 224, 224]))])).contains("[1, 224, 224, 3]"))
  }

  @Test func refusesLabelsOfAnotherNumber() throws {
    let labels = FileManager.default.temporaryDirectory.appending(path: "zoo-labels-\(UUID().uuidString)")
    try Data("cat\ndog\n".utf8).write(to: labels)
    defer { try? FileManager.default.removeItem(at: labels) }
    let fixture = Self.repository.appending(path: "Tests/Fixtures/classifier/resnet18.safetensors")
    var configuration = ClassifierConfig()
    configuration.backbone = .resnet18
    let files = ModelFiles(locations: [
      "weights.safetensors": fixture.path(percentEncoded: false), "labels.txt": labels.path(percentEncoded: false),
    ])
    #expect { try ClassifierPlugin(configuration, files: files) } throws: { "\($0)".contains("names 2 classes") }
    configuration.backbone = .unspecified
    #expect { try ClassifierPlugin(configuration, files: files) } throws: { "\($0)".contains("config.backbone") }
  }
}
