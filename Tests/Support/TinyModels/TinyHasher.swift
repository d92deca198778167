public import Foundation
import ZooBackbones
import ZooBackend
import ZooPluginKit
import ZooSearchHasher
import ZooSeeded

/// A whole search hasher of a few hundred kilobytes, for tests: the small ResNet-18 of the fixtures with seeded heads, whose
/// golden the reference backend made. Pictures are 64 × 64 to it.
public struct TinyHasher: Sendable {
  public static let categories = ["Bags", "Shirts", "Shoes"]
  public static let attributes = [("colour", ["Blue", "Red", "White"]), ("season", ["Summer", "Winter"])]
  /// Of the trunk.
  private static let features = 32

  public var name: String
  public var version: Int
  public var bits: Int
  /// Other seeds, other heads.
  public var seed: UInt64
  /// Whether it has heads for ``attributes``.
  public var predictsAttributes: Bool

  public init(
    _ name: String = "tiny-hasher", version: Int = 1, bits: Int = 64, seed: UInt64 = 1, predictsAttributes: Bool = false
  ) {
    self.name = name
    self.version = version
    self.bits = bits
    self.seed = seed
    self.predictsAttributes = predictsAttributes
  }

  /// Writes the model into its place in a repository.
  public func install(in repository: URL) throws {
    try write(to: repository.appending(path: name).appending(path: "\(version)"))
  }

  /// Writes the model into `folder`, with its manifest.
  public func write(to folder: URL) throws {
    for name in predictsAttributes ? ["golden", "attributes"] : ["golden"] {
      try FileManager.default.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    let path = { (name: String) in folder.appending(path: name).path(percentEncoded: false) }
    try FileManager.default.copyItem(at: Self.trunk, to: folder.appending(path: "trunk.safetensors"))
    try SafetensorsWriter.write(Weights(heads()), to: path("heads.safetensors"))
    try lines(Self.categories).write(to: folder.appending(path: "categories.txt"))

    var configuration = SearchHasherConfig()
    configuration.trunk = .resnet18
    configuration.bits = UInt32(bits)
    configuration.preprocessing.shortSide = 64
    configuration.preprocessing.crop = 64
    var weights = ["trunk.safetensors", "heads.safetensors", "categories.txt"]
    for (name, values) in predictsAttributes ? Self.attributes : [] {
      var head = AttributeHead()
      head.name = name
      configuration.attributes.append(head)
      weights.append("attributes/\(name).txt")
      try lines(values).write(to: folder.appending(path: "attributes/\(name).txt"))
    }
    let plugin = try SearchHasherPlugin(
      configuration, files: ModelFiles(locations: weights.reduce(into: [:]) { $0[$1] = path($1) }))
    var numbers = SeededGenerator(seed: 99)
    let input = try Tensor((0..<64 * 64 * 3).map { _ in numbers.weight() }, shape: [1, 64, 64, 3])
    let graph = try plugin.network()
    let outputs = try ReferenceBackend().compile(graph, options: CompileOptions()).run([input])
    try SafetensorsWriter.write(Weights(["image": input]), to: path("golden/input.safetensors"))
    try SafetensorsWriter.write(
      Weights(Dictionary(uniqueKeysWithValues: zip(graph.outputs.map(\.name), outputs))),
      to: path("golden/output.safetensors"))

    let entries = try (weights + ["golden/input.safetensors", "golden/output.safetensors"]).map { file in
      try manifestEntry(of: file, in: folder)
    }
    let manifest = """
      name: "\(name)"
      version: \(version)
      plugin: "search-hasher"
      config {
        [type.googleapis.com/zoo.plugins.v1.SearchHasherConfig] {
          trunk: BACKBONE_RESNET18
          bits: \(bits)
          preprocessing { short_side: 64 crop: 64 }
          \(configuration.attributes.map { "attributes { name: \"\($0.name)\" }" }.joined(separator: " "))
        }
      }
      description: "A tiny hasher."
      licence: "Apache-2.0"
      \(entries.joined(separator: "\n"))
      goldens { input: "golden/input.safetensors" output: "golden/output.safetensors" tolerance: 0.001 }

      """
    try Data(manifest.utf8).write(to: folder.appending(path: "manifest.textproto"))
  }

  private func heads() throws -> [String: Tensor] {
    var numbers = SeededGenerator(seed: seed)
    var heads: [String: Tensor] = [:]
    let attributes = predictsAttributes ? Self.attributes.map { ("attribute.\($0.0)", $0.1.count) } : []
    for (name, outputs) in [("hash", bits), ("category", Self.categories.count)] + attributes {
      heads["\(name).weight"] = try Tensor(
        (0..<outputs * Self.features).map { _ in numbers.weight() }, shape: [outputs, Self.features])
      heads["\(name).bias"] = try Tensor((0..<outputs).map { _ in numbers.weight() * 0.1 }, shape: [outputs])
    }
    return heads
  }

  private func lines(_ names: [String]) -> Data { Data((names.joined(separator: "\n") + "\n").utf8) }

  private static let trunk = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Fixtures/classifier/resnet18.safetensors").standardizedFileURL

  /// A picture that has little in common with that of another seed: PNG, 64 × 64, patches of seeded colours.
  public static func picture(_ seed: Int) throws -> Data {
    var numbers = SeededGenerator(seed: UInt64(seed) &* 7919 &+ 3)
    let side = 64
    let patch = 8
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    for y in stride(from: 0, to: side, by: patch) {
      for x in stride(from: 0, to: side, by: patch) {
        let colour = (0..<3).map { _ in UInt8(max(0, min(255, (numbers.weight() + 1) * 127.5))) }
        for row in y..<y + patch {
          for column in x..<x + patch {
            for channel in 0..<3 { pixels[(row * side + column) * 3 + channel] = colour[channel] }
          }
        }
      }
    }
    return try Image(width: side, height: side, pixels: pixels).png()
  }
}
