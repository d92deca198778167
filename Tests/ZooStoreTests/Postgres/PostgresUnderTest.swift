import Foundation
import ZooItems
import ZooPostgresStore

struct PostgresUnderTest: StoreUnderTest {
  /// One for all tests that leave the servers alone.
  private static let cluster = Task { try await PostgresCluster() }
  /// Each index has connections of its own, of which servers have only so many.
  private static let places = Places(8)

  let name = "PostgreSQL"

  func reasonToSkip() -> String? { PostgresCluster.reasonToSkip }

  func make(_ settings: IndexSettings) async throws -> any IndexUnderTest {
    await Self.places.take()
    do {
      let connection = try await Self.cluster.value.connection
      return try await PostgresIndex(connection: connection, settings) { await Self.places.giveBack() }
    } catch {
      await Self.places.giveBack()
      throw error
    }
  }
}

/// An index that is called something of its own on the servers, whatever its settings say.
struct PostgresIndex: IndexUnderTest {
  let connection: String
  let name: String
  let postgres: PostgresStore
  private let onDrop: @Sendable () async -> Void

  var store: any ItemStore { postgres }

  init(
    connection: String, _ settings: IndexSettings, onDrop: @escaping @Sendable () async -> Void = {}
  ) async throws {
    var named = settings
    named.name = "test-\(UUID().uuidString.lowercased())"
    let store = try await PostgresStore.create(connection: connection, settings: named, options: .testing)
    try await store.save(settings)
    self.init(connection: connection, name: named.name, postgres: store, onDrop: onDrop)
  }

  private init(connection: String, name: String, postgres: PostgresStore, onDrop: @escaping @Sendable () async -> Void)
  {
    self.connection = connection
    self.name = name
    self.postgres = postgres
    self.onDrop = onDrop
  }

  func reopened() async throws -> any IndexUnderTest {
    await postgres.close()
    return PostgresIndex(
      connection: connection, name: name,
      postgres: try await PostgresStore.open(connection: connection, name: name, options: .testing), onDrop: onDrop)
  }

  func drop() async throws {
    await postgres.close()
    do {
      try await PostgresStore.drop(connection: connection, name: name, options: .testing)
    } catch {
      await onDrop()
      throw error
    }
    await onDrop()
  }
}

extension PostgresStore.Options {
  static let testing = PostgresStore.Options(readers: 3)
}

/// So many may do something at a time.
private actor Places {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) { free = count }

  func take() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func giveBack() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
