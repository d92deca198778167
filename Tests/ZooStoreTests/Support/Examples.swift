import Testing
import ZooItems
import ZooSeeded

extension IndexSettings {
  static func testing(bits: Int = 64, next: Hasher? = nil) -> IndexSettings {
    IndexSettings(
      name: "test", model: "hasher", active: .init(version: 1, bits: bits), next: next,
      attributes: [.init(name: "colour", weight: 1), .init(name: "season", weight: 2)])
  }
}

extension ContentHash {
  /// The hash of a picture that has a number instead of a file.
  static func testing(_ number: Int) -> ContentHash {
    var generator = SeededGenerator(seed: UInt64(bitPattern: Int64(number)))
    return ContentHash((0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) })!
  }
}

extension NewPicture {
  /// - Parameter codes: of 64 bits, by version of the hasher.
  static func testing(
    _ number: Int, codes: [UInt32: UInt64], data: [UInt8]? = nil, predictions: [UInt32: Prediction] = [:]
  ) -> NewPicture {
    NewPicture(hash: .testing(number), codes: codes.mapValues(code), data: data, predictions: predictions)
  }
}

extension NewItem {
  /// An item with a 64-bit code of version 1, and a picture of its own unless told.
  static func testing(
    _ id: String, code: UInt64 = 0, category: String = "Bags", attributes: [String: String] = [:], picture: Int? = nil
  ) -> NewItem {
    NewItem(
      id: id, category: category, attributes: attributes, link: "https://shop.example/\(id)",
      picture: .testing(picture ?? id.utf8.reduce(1) { $0 &* 31 &+ Int($1) }, codes: [1: code]))
  }
}

/// 64 bits as a store takes them.
func code(_ bits: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) } }

extension ItemStore {
  /// The ids of the items nearest to a 64-bit code of version 1.
  func ids(
    nearest bits: UInt64 = 0, k: Int = 100, version: UInt32 = 1, categories: [String]? = nil,
    filters: [AttributeFilter] = []
  ) async throws -> [String] {
    let answer = try await nearest(
      NearestQuery(code: code(bits), version: version, k: k, categories: categories, filters: filters))
    return try await items(numbers: answer.matches.map(\.number)).map { $0?.id ?? "gone" }
  }
}

/// Expects a `SearchError` with a code, and words in its message.
func expectError(
  _ code: SearchError.Code, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
  } catch let error as SearchError {
    #expect(error.code == code, "\(error.message)", sourceLocation: sourceLocation)
    for word in words { #expect(error.message.contains(word), sourceLocation: sourceLocation) }
  } catch {
    Issue.record("\(error) is no SearchError", sourceLocation: sourceLocation)
  }
}
