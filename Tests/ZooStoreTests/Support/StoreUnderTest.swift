import Testing
import ZooItems

/// A kind of store that the suite is run over. To add one, conform to this and name it in `Stores.all`.
protocol StoreUnderTest: Sendable, CustomTestStringConvertible {
  var name: String { get }
  /// Why it cannot be tested on this machine; nil where it can.
  func reasonToSkip() async -> String?
  /// Makes an index of its own for one test.
  func make(_ settings: IndexSettings) async throws -> any IndexUnderTest
}

/// An index that one test has for itself.
protocol IndexUnderTest: Sendable {
  var store: any ItemStore { get }
  /// The same index, closed and opened again.
  func reopened() async throws -> any IndexUnderTest
  /// Closes it and leaves nothing behind.
  func drop() async throws
}

extension StoreUnderTest {
  var testDescription: String { name }

  /// Runs a test on an empty index, or prints why not.
  func withIndex(
    _ settings: IndexSettings = .testing(), _ body: (inout any IndexUnderTest) async throws -> Void
  ) async throws {
    if let reason = await reasonToSkip() { return print("skipped on \(name): \(reason)") }
    var index = try await make(settings)
    do {
      try await body(&index)
    } catch {
      try? await index.drop()
      throw error
    }
    try await index.drop()
  }

  func withStore(
    _ settings: IndexSettings = .testing(), _ body: (any ItemStore) async throws -> Void
  ) async throws {
    try await withIndex(settings) { try await body($0.store) }
  }
}

enum Stores {
  static let all: [any StoreUnderTest] = [SQLiteUnderTest(), PostgresUnderTest()]
}
