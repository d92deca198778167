import Foundation
import Testing
import ZooBackend
import ZooCPU
import ZooPluginKit

@testable import ZooCycleGAN

/// Small generators against PyTorch, layer by layer (tools/make-goldens/cyclegan.py), and the real ones against theirs.
struct GeneratorTests {
  struct Network: CustomTestStringConvertible, Sendable {
    let file: String
    let options: ResNetGenerator.Options
    /// The last entry of the sequence.
    let last: Int
    var testDescription: String { file }
  }

  static let networks = [
    Network(file: "resnet6", options: .init(blocks: 6), last: 24),
    Network(file: "resnet9-resize", options: .init(blocks: 9, resizesToUpsample: true), last: 31),
    Network(file: "separable", options: .init(blocks: 3, isSeparable: true, hasDropout: true), last: 21),
    Network(file: "batchnorm", options: .init(blocks: 6, normalization: .batch), last: 24),
  ]

  private static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  private static func weights(_ path: String) throws -> Weights {
    try Weights(contentsOf: repository.appending(path: path).path(percentEncoded: false))
  }

  @Test(arguments: networks) func everyLayerIsPyTorchs(network: Network) throws {
    let weights = try Self.weights("Tests/Fixtures/cyclegan/\(network.file).safetensors")
    let generator = try ResNetGenerator(weights, options: network.options)
    let image = try weights["image"]
    let builder = GraphBuilder()
    let photo = try builder.input("image", shape: image.shape)
    var x = try generator.stem(photo)
    var outputs = [("activation.model.3", x)]
    for (name, layer) in [("activation.model.6", generator.down1), ("activation.model.9", generator.down2)] {
      x = try layer(x)
      outputs.append((name, x))
    }
    for (index, block) in generator.blocks.enumerated() {
      x = try block(x)
      outputs.append(("activation.model.\(10 + index)", x))
    }
    // Behind the enlarging convolution stand its norm and ReLU.
    let step = network.options.resizesToUpsample ? 5 : 3
    for (index, layer) in [generator.up1, generator.up2].enumerated() {
      x = try layer(x)
      outputs.append(("activation.model.\(9 + network.options.blocks + step * (index + 1))", x))
    }
    outputs.append(("activation.model.\(network.last)", try generator(photo)))
    #expect(outputs.count == weights.names.count { $0.hasPrefix("activation.") })

    let graph = builder.graph(outputs: outputs.map { (name: $0.0, value: $0.1) })
    for backend in [ReferenceBackend(), try CPUBackend(threads: 2)] as [any Backend] {
      let results = try backend.compile(graph, options: CompileOptions()).run([image])
      for ((name, _), result) in zip(outputs, results) {
        let expected = try weights[name]
        #expect(result.shape == expected.shape, "\(backend.name) \(name)")
        let error = zip(result.floats(), expected.floats()).map { abs($0 - $1) }.max() ?? 0
        #expect(error <= 2e-4, "\(backend.name) \(name)")
      }
    }
  }

  /// The folder with weights and pictures beside the repository, where there is one.
  private static var shared: URL? {
    let folder = repository.appending(path: "../shared/data")
    guard FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) else {
      print("skipped: ../shared/data, with the real checkpoints, is not there")
      return nil
    }
    return folder
  }

  private func expectGolden(
    _ generator: any Generator, _ picture: String, _ golden: String, order: ChannelOrder = .rgb
  ) throws {
    guard let shared = Self.shared else { return }
    let goldens = try Weights(
      contentsOf: shared.appending(path: "golden/golden.safetensors").path(percentEncoded: false))
    let data = try Data(contentsOf: shared.appending(path: "golden/\(picture)"))
    let input = try Image(decoding: data).tensor(
      scale: [1 / 127.5, 1 / 127.5, 1 / 127.5], offset: [-1, -1, -1], channelOrder: order)
    let builder = GraphBuilder()
    let graph = builder.graph(outputs: [("image", try generator(builder.input("image", shape: input.shape)))])
    let output = try CPUBackend(threads: 2).compile(graph, options: CompileOptions()).run([input])[0].floats()
    // PyTorch's is [1, 3, H, W].
    let expected = try goldens[golden].floats()
    let pixels = output.count / 3
    var worst: Float = 0
    for pixel in 0..<pixels {
      for channel in 0..<3 { worst = max(worst, abs(output[pixel * 3 + channel] - expected[channel * pixels + pixel])) }
    }
    #expect(worst < 1e-3)
  }

  @Test(arguments: ["002", "003", "016"]) func theCompressedGeneratorIsPyTorchs(picture: String) throws {
    guard let shared = Self.shared else { return }
    let folder = shared.appending(path: "models/horse2zebra-gan-compression")
    for file in ["generator.safetensors", "latest_net_G.pth"] {
      let weights = try Weights(contentsOf: folder.appending(path: file).path(percentEncoded: false))
      let generator = try ResNetGenerator(weights, options: .init(isSeparable: true, hasDropout: true))
      try expectGolden(generator, "h2z_\(picture)_in.png", "h2z_\(picture)")
    }
  }

  @Test func cartoonGANIsPyTorchs() throws {
    guard let shared = Self.shared else { return }
    let weights = try Weights(
      contentsOf: shared.appending(path: "models/cartoongan-hayao/generator.safetensors").path(percentEncoded: false))
    try expectGolden(
      CartoonGenerator(weights, blocks: 8, epsilon: 1e-9), "h2z_002_in.png", "cartoon_hayao_002_bgr", order: .bgr)
  }
}
