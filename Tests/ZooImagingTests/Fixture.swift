import Foundation
import Testing
import ZooImaging

/// Pictures and what Pillow makes of them: `tools/make-goldens/imaging.py`, and `Fixtures/imaging/more/make.py`.
enum Fixture {
  struct Decode: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let expected: String
    /// False for JPEG, where versions of libjpeg-turbo may round differently.
    let exact: Bool

    var testDescription: String { file }
  }

  struct Resize: Decodable, Sendable, CustomTestStringConvertible {
    let source: String
    let filter: String
    let width: Int
    let height: Int
    let expected: String

    var testDescription: String { expected }
  }

  struct ScaledDecode: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let eighths: Int
    let expected: String

    var testDescription: String { expected }
  }

  private struct Index: Decodable {
    let resizes: [Resize]
    let decodes: [Decode]
    let broken: [String]
  }

  private struct MoreIndex: Decodable {
    let decodes: [ScaledDecode]
  }

  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/imaging")
  private static let index = read(Index.self, "index.json")
  private static let more = read(MoreIndex.self, "more/index.json")

  static let decodes = index.decodes
  static let resizes = index.resizes
  static let broken = index.broken
  static let colourSpaces = more.decodes.filter { $0.eighths == 8 }
  static let scaledDecodes = more.decodes.filter { $0.eighths < 8 }

  static func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: name))
  }

  static func image(_ name: String) throws -> Image {
    try Image(decoding: data(name))
  }

  /// Without its index no test here can say anything, so a missing one ends the run.
  private static func read<Content: Decodable>(_ type: Content.Type, _ name: String) -> Content {
    do {
      return try JSONDecoder().decode(type, from: data(name))
    } catch {
      fatalError("Tests/Fixtures/imaging/\(name) cannot be read: \(error)")
    }
  }
}
