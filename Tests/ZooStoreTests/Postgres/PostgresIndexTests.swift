import Testing
import ZooItems
import ZooPostgresStore

@Suite("PostgreSQL: indexes, and many who use them")
struct PostgresIndexTests {
  private func withConnection(_ body: (String) async throws -> Void) async throws {
    if let reason = PostgresCluster.reasonToSkip { return print("skipped: \(reason)") }
    try await PostgresUnderTest().withIndex { index in
      guard let index = index as? PostgresIndex else { return }
      try await body(index.connection)
    }
  }

  @Test("an index is there once, under its name, until it is dropped")
  func names() async throws {
    try await withConnection { connection in
      var settings = IndexSettings.testing()
      settings.name = "a.b-c_0123456789012345678901234567890123456789012345678901234567"
      await expectError(.notFound, settings.name) {
        _ = try await PostgresStore.open(connection: connection, name: settings.name)
      }
      let store = try await PostgresStore.create(connection: connection, settings: settings)
      await expectError(.alreadyExists, settings.name) {
        _ = try await PostgresStore.create(connection: connection, settings: settings)
      }
      #expect(try await PostgresStore.indexes(connection: connection).contains(settings.name))
      _ = try await store.put([.testing("a")])
      try await PostgresStore.drop(connection: connection, name: settings.name)
      #expect(try await !PostgresStore.indexes(connection: connection).contains(settings.name))
      await expectError(.notFound) { try await PostgresStore.drop(connection: connection, name: settings.name) }
      await expectError(.notFound, "gone") { _ = try await store.put([.testing("b")]) }
      await expectError(.notFound, "gone") { _ = try await store.ids() }
      await store.close()
      let again = try await PostgresStore.create(connection: connection, settings: settings)
      #expect(try await again.ids() == [])
      await again.close()
      try await PostgresStore.drop(connection: connection, name: settings.name)
    }
  }

  @Test(
    "a name that is none is refused before anybody is asked",
    arguments: ["", "A", "-a", "a b", "a'; DROP SCHEMA zoo; --", "ä", String(repeating: "a", count: 65)])
  func badNames(_ name: String) async throws {
    await expectError(.invalid, "name") { _ = try await PostgresStore.open(connection: "host=/nowhere", name: name) }
    await expectError(.invalid, "name") { try await PostgresStore.drop(connection: "host=/nowhere", name: name) }
    var settings = IndexSettings.testing()
    settings.name = name
    await expectError(.invalid) {
      _ = try await PostgresStore.create(connection: "host=/nowhere", settings: settings)
    }
  }

  @Test("a connection string that is none, and one to nobody")
  func badConnections() async throws {
    await expectError(.invalid, "connection string") {
      _ = try await PostgresStore.open(connection: "somewhere", name: "a")
    }
    await expectError(.unavailable, "/nowhere") {
      _ = try await PostgresStore.open(
        connection: "host=/nowhere", name: "a", options: .init(patience: .milliseconds(200)))
    }
  }

  @Test("of many who create the same index at once one does")
  func creating() async throws {
    try await withConnection { connection in
      var settings = IndexSettings.testing()
      settings.name = "raced"
      let stores = try await withThrowingTaskGroup(of: PostgresStore?.self) { group in
        for _ in 0..<4 {
          group.addTask { [settings] in
            do {
              return try await PostgresStore.create(connection: connection, settings: settings)
            } catch let error as SearchError where error.code == .alreadyExists {
              return nil
            }
          }
        }
        return try await group.reduce(into: [PostgresStore]()) { if let store = $1 { $0.append(store) } }
      }
      #expect(stores.count == 1)
      for store in stores { await store.close() }
      try await PostgresStore.drop(connection: connection, name: "raced")
    }
  }

  @Test("nobody sees half a batch, and clients take turns")
  func halves() async throws {
    if let reason = PostgresCluster.reasonToSkip { return print("skipped: \(reason)") }
    try await PostgresUnderTest().withIndex { index in
      guard let index = index as? PostgresIndex else { return }
      let other = try await PostgresStore.open(connection: index.connection, name: index.name, options: .testing)
      let stores = [index.postgres, other]
      // On several shards, and on others each time.
      func batch(_ writer: Int, _ round: Int) -> [NewItem] {
        (0..<5).map { number in
          var item = NewItem.testing("\(number)", picture: writer * 100_000 + round * 10 + number)
          item.link = "\(writer) \(round)"
          return item
        }
      }
      _ = try await index.store.put(batch(0, 0))
      let writers = SharedValue(2)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (writer, store) in stores.enumerated() {
          group.addTask {
            defer { writers.change { $0 -= 1 } }
            for round in 1...25 {
              let outcomes = try await store.put(batch(writer, round))
              #expect(outcomes.allSatisfy { $0.replaced })
            }
          }
          group.addTask {
            while writers.value > 0 {
              let items = try await store.items(ids: (0..<5).map { "\($0)" })
              #expect(Set(items.map { $0?.link ?? "gone" }).count == 1, "\(items)")
              #expect(try await store.ids(k: 10).count == 5)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await index.store.items(after: 0, limit: 100).map(\.number).first == 5 * 50 + 1)
      await other.close()
    }
  }
}
