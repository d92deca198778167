import Foundation
import Testing
import ZooBackend
import ZooCPU
import ZooPluginKit

@testable import ZooBackbones

/// Networks of the real ones' depth and a sixteenth of their width, against PyTorch (tools/make-goldens/classifier.py).
struct BackboneTests {
  struct Network: CustomTestStringConvertible, Sendable {
    let file: String
    let backbone: Backbone
    var testDescription: String { file }
  }

  static let networks = [
    Network(file: "resnet18", backbone: .resnet18), Network(file: "resnet34", backbone: .resnet34),
    Network(file: "resnet50", backbone: .resnet50), Network(file: "efficientnet-lite0", backbone: .efficientnetLite0),
    Network(file: "mobilenet-v2", backbone: .mobilenetV2),
  ]

  private func weights(_ network: Network) throws -> Weights {
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/classifier")
    return try Weights(contentsOf: fixtures.appending(path: "\(network.file).safetensors").path(percentEncoded: false))
  }

  /// These weights with another tensor under one name.
  private func changed(_ weights: Weights, _ name: String, to tensor: Tensor) throws -> Weights {
    var tensors: [String: Tensor] = [:]
    for name in weights.names { tensors[name] = try weights[name] }
    tensors[name] = tensor
    return Weights(tensors)
  }

  /// The network with an output for the first convolution and every block, named as the fixture names them.
  private func layers(of trunk: any Trunk, _ picture: Value) throws -> [(name: String, value: Value)] {
    var outputs: [(name: String, value: Value)] = []
    if let resnet = trunk as? ResNet {
      var x = try resnet.stem(picture)
      outputs.append(("activation.conv1", x))
      x = try resnet.stemNorm(x).relu().pooled(Pool(.maximum, window: Extent(3), stride: Extent(2), padding: Insets(1)))
      for (stage, units) in resnet.stages.enumerated() {
        for (index, unit) in units.enumerated() {
          x = try unit(x)
          outputs.append(("activation.layer\(stage + 1).\(index)", x))
        }
      }
    } else if let efficient = trunk as? EfficientNetLite0 {
      var x = try efficient.stem(picture)
      outputs.append(("activation._conv_stem", x))
      x = try efficient.stemNorm(x).relu6()
      for (index, block) in efficient.blocks.enumerated() {
        x = try block(x)
        outputs.append(("activation._blocks.\(index)", x))
      }
    } else if let mobile = trunk as? MobileNetV2 {
      var x = try mobile.stem(picture)
      outputs.append(("activation.features.0.0", x))
      x = try mobile.stemNorm(x).relu6()
      for (index, block) in mobile.blocks.enumerated() {
        x = try block(x)
        outputs.append(("activation.features.\(index + 1)", x))
      }
    }
    return outputs
  }

  @Test(arguments: networks) func everyLayerIsPyTorchs(network: Network) throws {
    let weights = try weights(network)
    let trunk = try network.backbone.trunk(weights, field: "config.backbone")
    let image = try weights["image"]
    let builder = GraphBuilder()
    let picture = try builder.input("image", shape: image.shape)
    var outputs = try layers(of: trunk, picture)
    #expect(outputs.count == weights.names.count { $0.hasPrefix("activation.") })
    outputs.append(("features", try trunk.features(picture)))
    outputs.append(("logits", try trunk(picture)))
    let graph = builder.graph(outputs: outputs)
    for backend in [ReferenceBackend(), try CPUBackend(threads: 2)] as [any Backend] {
      let results = try backend.compile(graph, options: CompileOptions()).run([image])
      for ((name, _), result) in zip(outputs, results) {
        let expected = try weights[name]
        #expect(result.shape == expected.shape, "\(backend.name) \(name)")
        let scale = max(1, expected.floats().map(abs).max() ?? 0)
        let error = zip(result.floats(), expected.floats()).map { abs($0 - $1) }.max() ?? 0
        #expect(error <= 1e-4 * scale, "\(backend.name) \(name)")
      }
    }
  }

  @Test func saysWhatAWrongCheckpointLacks() throws {
    let weights = try weights(Self.networks[0])
    #expect { try Backbone.resnet50.trunk(weights, field: "config.backbone") } throws: {
      "\($0)".contains("layer1.0.conv3")
    }
    #expect { try Backbone.mobilenetV2.trunk(weights, field: "config.backbone") } throws: {
      "\($0)".contains("features.0.0.weight")
    }
    #expect { try Backbone.unspecified.trunk(weights, field: "config.backbone") } throws: {
      "\($0)".contains("config.backbone")
    }
  }

  @Test(arguments: networks) func saysWhichLastLayerHasNoClasses(network: Network) throws {
    let weights = try weights(network)
    let head = try network.backbone.trunk(weights, field: "config.backbone").head.name
    let scalar = try changed(weights, "\(head).weight", to: .zeros(shape: []))
    #expect { try network.backbone.trunk(scalar, field: "config.backbone") } throws: {
      "\($0)".contains("\(head).weight is []")
    }
  }

  @Test func saysWhichConvolutionHasAnotherWidth() throws {
    let weights = try weights(Network(file: "mobilenet-v2", backbone: .mobilenetV2))
    let builder = GraphBuilder()
    let picture = try builder.input("image", shape: [1, 64, 48, 3])
    for shape: Shape in [[], [5, 1, 3, 3]] {
      let wrong = try changed(weights, "features.3.conv.1.0.weight", to: .zeros(shape: shape))
      let trunk = try Backbone.mobilenetV2.trunk(wrong, field: "config.backbone")
      #expect { try trunk(picture) } throws: { "\($0)".contains("features.3.conv.1.0") }
    }
  }

  @Test func namesTheLikeliestFirst() {
    let logits = Logits([1, 3, 3, -1000, 2])
    let top = logits.top(3, names: ["a", "b", "c", "d", "e"])
    #expect(top.map(\.name) == ["b", "c", "e"])
    #expect(abs(logits.probabilities.reduce(0, +) - 1) < 1e-6)
    #expect(Logits([1000, 1001]).probabilities.allSatisfy { $0.isFinite })
  }
}
