public import Foundation
import ZooBackend
import ZooCycleGAN
public import ZooPluginKit
import ZooSeeded

/// A whole model of a few kilobytes, for tests: a CycleGAN generator of one block and width 2 with seeded weights, whose
/// golden the reference backend made.
public struct TinyModel: Sendable {
  /// What is wrong with it.
  public enum Fault: Sendable, CaseIterable {
    /// A weight is NaN.
    case notFinite
    /// The golden is of other weights.
    case wrongGolden
    /// A bit of the weights flipped after the sum was taken.
    case corruptFile
    /// A file that the manifest lists is not there.
    case missingFile
    /// The configuration asks for more blocks than the weights have.
    case wrongConfiguration
  }

  public var name: String
  public var version: Int
  /// Other seeds, other weights.
  public var seed: UInt64
  public var fault: Fault?
  /// Further lines of the manifest.
  public var extra: String
  /// The channels after the first convolution: larger models take longer to upload and to run.
  public var width: Int
  /// Of the golden.
  public var tolerance: Float

  public init(
    _ name: String = "tiny", version: Int = 1, seed: UInt64 = 1, fault: Fault? = nil, width: Int = 2,
    tolerance: Float = 0.001, extra: String = ""
  ) {
    self.name = name
    self.version = version
    self.seed = seed
    self.fault = fault
    self.width = width
    self.tolerance = tolerance
    self.extra = extra
  }

  /// Writes the model into `folder`, with its manifest.
  public func write(to folder: URL) throws {
    try FileManager.default.createDirectory(
      at: folder.appending(path: "golden"), withIntermediateDirectories: true)
    let path = { (name: String) in folder.appending(path: name).path(percentEncoded: false) }
    let healthy = try Weights(tensors(seed: seed, isFinite: true))
    try SafetensorsWriter.write(
      fault == .notFinite ? try Weights(tensors(seed: seed, isFinite: false)) : healthy, to: path("weights.safetensors")
    )

    var numbers = SeededGenerator(seed: 99)
    let input = try Tensor((0..<16 * 16 * 3).map { _ in numbers.weight() }, shape: [1, 16, 16, 3])
    let tested = fault == .wrongGolden ? try Weights(tensors(seed: seed + 1, isFinite: true)) : healthy
    let output = try Self.run(tested, on: input)
    try SafetensorsWriter.write(Weights(["image": input]), to: path("golden/input.safetensors"))
    try SafetensorsWriter.write(Weights(["image": output]), to: path("golden/output.safetensors"))

    let entries = try ["weights.safetensors", "golden/input.safetensors", "golden/output.safetensors"].map {
      try manifestEntry(of: $0, in: folder)
    }
    if fault == .corruptFile {
      var data = try Data(contentsOf: folder.appending(path: "weights.safetensors"))
      data[data.count - 7] ^= 0x10
      try data.write(to: folder.appending(path: "weights.safetensors"))
    }
    if fault == .missingFile {
      try FileManager.default.removeItem(at: folder.appending(path: "golden/output.safetensors"))
    }
    let manifest = """
      name: "\(name)"
      version: \(version)
      plugin: "cyclegan"
      config {
        [type.googleapis.com/zoo.plugins.v1.CycleGANConfig] {
          blocks: \(fault == .wrongConfiguration ? 2 : 1)
          base_width: \(width)
        }
      }
      description: "A tiny generator."
      licence: "Apache-2.0"
      \(entries.joined(separator: "\n"))
      goldens { input: "golden/input.safetensors" output: "golden/output.safetensors" tolerance: \(tolerance) }
      \(extra)

      """
    try Data(manifest.utf8).write(to: folder.appending(path: "manifest.textproto"))
  }

  /// Writes the model into its place in a repository.
  public func install(in repository: URL) throws {
    try write(to: repository.appending(path: name).appending(path: "\(version)"))
  }

  /// What the model makes of a tensor, by the reference backend.
  public func expected(_ input: Tensor) throws -> Tensor {
    try Self.run(try Weights(tensors(seed: seed, isFinite: true)), on: input)
  }

  private static func run(_ weights: Weights, on input: Tensor) throws -> Tensor {
    let generator = try ResNetGenerator(weights, options: .init(blocks: 1))
    let builder = GraphBuilder()
    let photo = try builder.input("image", shape: input.shape)
    let graph = builder.graph(outputs: [("image", try generator(photo))])
    return try ReferenceBackend().compile(graph, options: CompileOptions()).run([input])[0]
  }

  private func tensors(seed: UInt64, isFinite: Bool) throws -> [String: Tensor] {
    var numbers = SeededGenerator(seed: seed)
    let w = width
    let shapes: [(String, Shape)] = [
      ("model.1", [w, 3, 7, 7]), ("model.4", [2 * w, w, 3, 3]), ("model.7", [4 * w, 2 * w, 3, 3]),
      ("model.10.conv_block.1", [4 * w, 4 * w, 3, 3]), ("model.10.conv_block.5", [4 * w, 4 * w, 3, 3]),
      ("model.11", [4 * w, 2 * w, 3, 3]), ("model.14", [2 * w, w, 3, 3]), ("model.18", [3, w, 7, 7]),
    ]
    var tensors: [String: Tensor] = [:]
    for (name, shape) in shapes {
      var values = (0..<shape.elementCount).map { _ in numbers.weight() * 0.3 }
      if !isFinite, name == "model.7" { values[5] = .nan }
      tensors["\(name).weight"] = try Tensor(values, shape: shape)
    }
    return tensors
  }
}
