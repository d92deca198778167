import Testing
import ZooEventually
import ZooItems
import ZooPostgresStore

@Suite("PostgreSQL: primaries killed, standbys promoted", .serialized)
struct PostgresFailoverTests {
  /// Servers for one test, which does not spare them.
  private func withCluster(_ body: (PostgresCluster) async throws -> Void) async throws {
    if let reason = PostgresCluster.reasonToSkip { return print("skipped: \(reason)") }
    let cluster = try await PostgresCluster()
    do {
      try await body(cluster)
    } catch {
      try? await cluster.down()
      throw error
    }
    try await cluster.down()
  }

  @Test("10,000 random searches answer as the embedded store does, while primaries are killed and after it")
  func searches() async throws {
    try await withCluster { cluster in
      // The searches of a small index cost little; those of a large one are multi-index hashing for a part.
      let indexes = [
        try await ComparedIndex(connection: cluster.connection, seed: 5),
        try await ComparedIndex(connection: cluster.connection, seed: 6),
      ]
      func write(_ batches: Int) async throws {
        try await indexes[0].write(batches)
        try await indexes[1].write(batches)
      }
      func search(while body: @escaping @Sendable () async throws -> Void) async throws {
        async let done: Void = body()
        try await indexes[0].search(1800)
        try await indexes[1].search(200)
        try await done
      }

      try await write(2)
      try await indexes[1].write(21)
      try await search {}
      try await search {
        try await cluster.run("kill", "shard0")
        try await Task.sleep(for: .milliseconds(200))
        try await cluster.run("promote", "shard0")
      }
      try await write(1)
      try await search { try await cluster.run("standby", "shard0") }
      try await search {
        try await cluster.run("kill", "coordinator")
        try await cluster.run("promote", "coordinator")
      }
      // The one that was made a standby, and has all that came since.
      try await cluster.run("kill", "shard0")
      try await cluster.run("promote", "shard0")
      try await write(1)
      try await search {}
      #expect(indexes.map(\.searches.value).reduce(0, +) == 10_000)
      #expect(indexes[1].plans.value == ["scan", "multi-index"])
      for index in indexes { try await index.drop() }
    }
  }

  @Test("no write that returned is lost, and none is done twice, where primaries are killed while writing")
  func writes() async throws {
    try await withCluster { cluster in
      let index = try await PostgresIndex(connection: cluster.connection, .testing())
      let acknowledged = SharedValue<[UInt32: String]>([:])
      let isWriting = SharedValue(true)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<4 {
          group.addTask {
            // One of them has a connection of its own, as another server would.
            let store =
              writer == 0
              ? try await PostgresStore.open(connection: cluster.connection, name: index.name) : index.postgres
            var step = 0
            while isWriting.value {
              // On both shards.
              let items = (0..<6).map { number in
                NewItem.testing("\(writer) \(step) \(number)", picture: writer << 40 + step << 10 + number)
              }
              let outcomes = try await store.put(items)
              #expect(outcomes.allSatisfy { !$0.replaced && $0.duplicateOf == nil })
              acknowledged.change { known in
                for (item, outcome) in zip(items, outcomes) { known[outcome.number] = item.id }
              }
              step += 1
            }
            if writer == 0 { await store.close() }
          }
        }
        defer { isWriting.change { $0 = false } }
        for node in ["shard1", "coordinator", "shard0"] {
          try await Task.sleep(for: .milliseconds(400))
          let before = acknowledged.value.count
          try await cluster.run("kill", node)
          try await cluster.run("promote", node)
          // Writing goes on before the next one is lost.
          try await eventually("writing goes on") { acknowledged.value.count >= before + 24 }
        }
        isWriting.change { $0 = false }
        try await group.waitForAll()
      }
      let items = try await index.store.items(after: 0, limit: 100_000)
      let known = acknowledged.value
      #expect(Dictionary(uniqueKeysWithValues: items.map { ($0.number, $0.id) }) == known)
      #expect(items.map(\.number) == Array(1...UInt32(known.count)))
      #expect(try await index.store.ids(k: 10_000).count == min(known.count, 10_000))
      try await index.drop()
    }
  }

  @Test("where nobody takes a primary's place a call fails in time, and the next one after it works")
  func patience() async throws {
    try await withCluster { cluster in
      let index = try await PostgresIndex(connection: cluster.connection, .testing())
      _ = try await index.store.put((0..<20).map { .testing("\($0)") })
      let store = try await PostgresStore.open(
        connection: cluster.connection, name: index.name, options: .init(readers: 1, patience: .seconds(1)))
      try await cluster.run("kill", "shard1")
      await expectError(.unavailable, "shard") { _ = try await store.ids() }
      await expectError(.unavailable, "server") { _ = try await store.put((0..<20).map { .testing("new \($0)") }) }
      await expectError(.unavailable) { _ = try await store.remove(["1"]) }
      try await cluster.run("promote", "shard1")
      #expect(try await store.ids().count == 20)
      #expect(try await store.put([.testing("20")]).map(\.number) == [21])
      await store.close()
      try await index.drop()
    }
  }
}
