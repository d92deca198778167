import Foundation
import Testing
import ZooTensor
import ZooWeights

/// Files that `tools/make-goldens/checkpoints.py` has made.
enum Fixture {
  static let cases = ["element-types", "views", "module", "parameters", "training", "networks"]
  static let layouts = ["zip", "legacy"]
  static let names = cases.flatMap { name in layouts.map { "\(name).\($0).pth" } + ["\(name).safetensors"] }

  private static let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func path(_ name: String) -> String {
    repository.appending(path: "Tests/Fixtures/weights/\(name)").path(percentEncoded: false)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: path(name))))
  }

  /// A file beside the repository that is not part of it; nil, and a printed reason, where it is not there.
  static func shared(_ name: String) -> String? {
    let path = repository.appending(path: "../shared/data/models/\(name)").standardized.path(percentEncoded: false)
    guard FileManager.default.fileExists(atPath: path) else {
      print("skipped: there is no ../shared/data/models/\(name)")
      return nil
    }
    return path
  }

  /// Reads bytes as what they are: as the fuzz targets do, without a file.
  static func read(_ bytes: [UInt8], named name: String) throws(WeightsError) -> Weights {
    name.hasSuffix(".safetensors") ? try Weights(safetensors: bytes) : try Weights(checkpoint: bytes)
  }
}

/// Calls `body` with a folder that is gone afterwards.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-weights-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path(percentEncoded: false))
}

func write(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(filePath: path))
}

/// The names, types, shapes and bits of two collections are the same.
func expectSame(_ actual: Weights, _ expected: Weights, sourceLocation: SourceLocation = #_sourceLocation) throws {
  #expect(actual.names == expected.names, sourceLocation: sourceLocation)
  for name in expected.names where actual.contains(name) {
    let (tensor, wanted) = (try actual[name], try expected[name])
    #expect(tensor.elementType == wanted.elementType, "\(name)", sourceLocation: sourceLocation)
    #expect(tensor.shape == wanted.shape, "\(name)", sourceLocation: sourceLocation)
    let same = tensor.withUnsafeBytes { left in wanted.withUnsafeBytes { right in left.elementsEqual(right) } }
    #expect(same, "the numbers of \(name) differ", sourceLocation: sourceLocation)
  }
}

/// The error that `body` throws, after checking its code and that its message says `text`.
@discardableResult
func expectError(
  _ code: WeightsError.Code, saying text: String = "", _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> some Any
) -> WeightsError? {
  let error = #expect(throws: WeightsError.self, comment, sourceLocation: sourceLocation) { _ = try body() }
  guard let error else { return nil }
  #expect(error.code == code, "\(error.message)", sourceLocation: sourceLocation)
  #expect(
    text.isEmpty || error.message.contains(text), "'\(text)' is not in: \(error.message)",
    sourceLocation: sourceLocation)
  return error
}

func littleEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian, Array.init)
}
