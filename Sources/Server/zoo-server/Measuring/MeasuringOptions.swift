public import ArgumentParser
import Foundation
public import ZooCPU
import ZooProtocol
import ZooRuntime
import ZooTensor

/// Which model to measure, and on what: the options of `profile` and `bench`.
struct MeasuringOptions: ParsableArguments {
  @Argument(help: "The model: NAME, or NAME@VERSION; the newest version unless told.")
  var model: String

  @Option(name: .customLong("models"), help: "The folder with the models.", completion: .directory)
  var modelsFolder: String = "models"

  @Option(help: "The widest instructions to use; the best there are unless told.")
  var instructionSet: InstructionSet?

  @Flag(
    help: """
      Measure first which way of computing the layers is the fastest, and keep that in tuning.json beside the model's \
      files.
      """)
  var tune = false

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws { _ = try reference() }

  private func reference() throws -> (name: String, version: UInt32?) {
    let parts = model.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let version = parts.count == 2 ? UInt32(parts[1]) : nil
    guard ModelName.isValid(parts[0]), parts.count == 1 || version ?? 0 > 0 else {
      throw ValidationError("the model is \"\(model)\": give NAME or NAME@VERSION, for example horse2zebra@1")
    }
    return (parts[0], version)
  }

  func load(on backend: CPUBackend) throws -> OfflineModel {
    let (name, version) = try reference()
    return try OfflineModel(
      name, version: version, models: URL(filePath: modelsFolder, directoryHint: .isDirectory), plugins: plugins,
      backend: backend, tunes: tune)
  }
}

extension InstructionSet: ExpressibleByArgument {
  public static var allValueStrings: [String] { allCases.map { $0.description.lowercased() } }

  public init?(argument: String) {
    guard let set = Self.allCases.first(where: { $0.description.lowercased() == argument.lowercased() }) else {
      return nil
    }
    self = set
  }
}

extension Tensor {
  /// `count` times the same items, one behind the other along the first axis.
  func repeated(_ count: Int) throws -> Tensor {
    guard count > 1 else { return self }
    var extents = shape.dimensions
    guard !extents.isEmpty else { return self }
    extents[0] *= count
    return try Tensor(elementType, shape: Shape(extents)) { target in
      withUnsafeBytes { source in
        for copy in 0..<count where !source.isEmpty {
          UnsafeMutableRawBufferPointer(rebasing: target[(copy * source.count)...]).copyMemory(from: source)
        }
      }
    }
  }
}

extension Array where Element: Comparable {
  /// The value below which a `share` of them lies. There must be one.
  func quantile(_ share: Double) -> Element {
    sorted()[Swift.min(Int(share * Double(count)), count - 1)]
  }
}
