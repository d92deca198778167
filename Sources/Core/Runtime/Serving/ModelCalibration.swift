import Foundation
import SwiftProtobuf
public import ZooBackend
import ZooGraph
import ZooProtocol
public import ZooTensor

/// A model in 8 bits, made from one in float32: the ranges of its results, and what computing so costs in accuracy.
public struct ModelCalibration: Sendable {
  /// How one of the network's outputs differs from float32 over what it was calibrated on.
  public struct Difference: Sendable, Hashable {
    public var output: String
    /// The largest difference, as a part of the largest number of the output.
    public var relative: Float
    /// For `[1, classes]`: for how many inputs the largest number is the same; nil for other outputs.
    public var agreeing: Int?
    /// Inputs.
    public var count: Int
  }

  private static let fileName = "calibration.json"
  /// A processor of another kind may round differently; a golden passes with so much more than was found.
  private static let margin: Float = 1.25

  private let model: OfflineModel
  public let calibration: Calibration
  public let differences: [Difference]
  /// Of the goldens, the largest.
  public let goldenError: Float
  private let goldenErrors: [Float]

  /// - Parameters:
  ///   - model: in float32.
  ///   - inputs: typical ones, one for each run of the network; some dozens.
  public init(of model: OfflineModel, on inputs: [[Tensor]], by backend: any Backend) throws {
    self.model = model
    let precision = model.instance.manifest.placement.precision.name
    guard precision == WirePrecision.float32.name else {
      throw ZooError(.failedPrecondition, "\(model.name) is in \(precision) already: calibrate its float32 version")
    }
    calibration = try Calibration(of: model.graph, on: inputs, by: backend)
    let quantized = try backend.compile(model.graph, options: CompileOptions(precision: .int8(calibration)))
    differences = try Self.differences(of: quantized, model, on: inputs)
    let instance = model.instance
    let test = SelfTest(
      plugin: instance.plugin, graph: model.graph, executable: quantized, locations: instance.locations)
    goldenErrors = try instance.manifest.goldens.map { golden in
      var golden = golden
      golden.tolerance = .greatestFiniteMagnitude
      return try test.run([golden])
    }
    goldenError = goldenErrors.max() ?? 0
  }

  private static func differences(
    of quantized: any Executable, _ model: OfflineModel, on inputs: [[Tensor]]
  ) throws -> [Difference] {
    let outputs = model.graph.outputs
    var largest = [Float](repeating: 0, count: outputs.count)
    var difference = largest
    var agreeing = [Int](repeating: 0, count: outputs.count)
    for input in inputs {
      for (index, (exact, near)) in zip(try model.executable.run(input), try quantized.run(input)).enumerated() {
        let (a, b) = (exact.floats(), near.floats())
        for (x, y) in zip(a, b) {
          largest[index] = max(largest[index], abs(x))
          difference[index] = max(difference[index], abs(x - y))
        }
        let isSame = a.indices.max { a[$0] < a[$1] } == b.indices.max { b[$0] < b[$1] }
        agreeing[index] += isSame ? 1 : 0
      }
    }
    return outputs.indices.map { index in
      let shape = model.graph.nodes[outputs[index].node].shape
      return Difference(
        output: outputs[index].name, relative: largest[index] > 0 ? difference[index] / largest[index] : 0,
        agreeing: shape.rank == 2 && shape[1] > 1 ? agreeing[index] : nil, count: inputs.count)
    }
  }

  /// Puts the model into the folder that it came from, as the next version, in int8.
  ///
  /// - Returns: its name and version.
  public func install() throws -> String {
    let repository = try ModelRepository(root: model.repository.root, reader: model.repository.reader)
    try repository.requireWritable()
    var manifest = model.instance.manifest
    let newest = repository.versions().filter { $0.name == manifest.name }.map(\.version).max() ?? manifest.version
    guard newest < .max else { throw ZooError(.failedPrecondition, "\(manifest.name) has no next version") }
    let id = ModelRepository.VersionID(name: manifest.name, version: newest + 1)
    let source = repository.folder(of: .init(name: manifest.name, version: manifest.version))
    let staged = repository.stagingFolder.appending(
      path: "calibrated-\(UUID().uuidString)", directoryHint: .isDirectory)
    let manager = FileManager.default
    try manager.createDirectory(at: staged, withIntermediateDirectories: true)
    do {
      for file in manifest.files {
        let target = staged.appending(path: file.path)
        try manager.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try manager.copyItem(at: source.appending(path: file.path), to: target)
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let ranges = staged.appending(path: Self.fileName)
      guard !manager.fileExists(atPath: ranges.path(percentEncoded: false)) else {
        throw ZooError(.alreadyExists, "\(model.name) has a file \(Self.fileName) already")
      }
      try encoder.encode(calibration).write(to: ranges)
      let sum = try DiskFile.sum(of: ranges.path(percentEncoded: false), named: Self.fileName)
      manifest.version = id.version
      manifest.files.append(
        .with {
          $0.path = Self.fileName
          $0.sha256 = sum.sha256
          $0.bytes = sum.bytes
        })
      manifest.placement.precision = .int8
      manifest.placement.calibration = Self.fileName
      for (index, error) in goldenErrors.enumerated() {
        manifest.goldens[index].error = error
        manifest.goldens[index].tolerance = max(manifest.goldens[index].tolerance, error * Self.margin)
      }
      let text = manifest.textFormatString()
      _ = try repository.reader.manifest(text)
      try Data(text.utf8).write(to: staged.appending(path: ModelRepository.manifestName))
      try repository.install(staged, as: id)
    } catch {
      try? manager.removeItem(at: staged)
      throw error
    }
    return "\(id)"
  }
}
