import Synchronization
import Testing
import ZooItems
import ZooPostgresStore
import ZooSQLiteStore

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
      let settings = IndexSettings.testing()
      let postgres = try await PostgresIndex(connection: cluster.connection, settings)
      let sqlite = try await SQLiteUnderTest().make(settings)
      var history = ClusteredHistory(seed: 5)
      func write(batches: Int) async throws {
        for _ in 0..<batches {
          let (items, removed) = history.next(1000)
          #expect(try await postgres.store.put(items) == sqlite.store.put(items))
          #expect(try await postgres.store.remove(removed) == sqlite.store.remove(removed))
        }
      }
      let searches = Atomic(0)
      let plans = Mutex<Set<String>>([])
      func search(_ count: Int) async throws {
        let queries = (0..<count).map { _ in history.query() }
        try await withThrowingTaskGroup(of: Void.self) { group in
          for part in 0..<4 {
            group.addTask {
              for query in queries[(part * count / 4)..<((part + 1) * count / 4)] {
                let found = try await postgres.store.nearest(query)
                #expect(try await sqlite.store.nearest(query).matches == found.matches, "\(query)")
                plans.withLock { _ = $0.insert(found.plan.split(separator: " ").first.map(String.init) ?? "") }
                searches.add(1, ordering: .relaxed)
              }
            }
          }
          try await group.waitForAll()
        }
      }
      func searchWhile(_ body: @escaping @Sendable () async throws -> Void) async throws {
        async let done: Void = body()
        try await search(2000)
        try await done
      }

      try await write(batches: 36)
      try await search(2000)
      try await searchWhile {
        try await cluster.run("kill", "shard0")
        try await Task.sleep(for: .milliseconds(200))
        try await cluster.run("promote", "shard0")
      }
      try await write(batches: 3)
      try await searchWhile { try await cluster.run("standby", "shard0") }
      try await searchWhile {
        try await cluster.run("kill", "coordinator")
        try await cluster.run("promote", "coordinator")
      }
      // The one that was made a standby, and has all that came since.
      try await cluster.run("kill", "shard0")
      try await cluster.run("promote", "shard0")
      try await write(batches: 1)
      try await search(2000)
      #expect(searches.load(ordering: .relaxed) == 10_000)
      // The searches would be no test of multi-index hashing if none had used it.
      #expect(plans.withLock { $0 } == ["scan", "multi-index"])
      try await sqlite.drop()
      try await postgres.drop()
    }
  }

  @Test("no write that returned is lost, and none is done twice, where primaries are killed while writing")
  func writes() async throws {
    try await withCluster { cluster in
      let index = try await PostgresIndex(connection: cluster.connection, .testing())
      let acknowledged = Mutex<[UInt32: String]>([:])
      let isWriting = Atomic(true)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<4 {
          group.addTask {
            // One of them has a connection of its own, as another server would.
            let store =
              writer == 0
              ? try await PostgresStore.open(connection: cluster.connection, name: index.name) : index.postgres
            var step = 0
            while isWriting.load(ordering: .relaxed) {
              // On both shards.
              let items = (0..<6).map { number in
                NewItem.testing("\(writer) \(step) \(number)", picture: writer << 40 + step << 10 + number)
              }
              let outcomes = try await store.put(items)
              #expect(outcomes.allSatisfy { !$0.replaced && $0.duplicateOf == nil })
              acknowledged.withLock { known in
                for (item, outcome) in zip(items, outcomes) { known[outcome.number] = item.id }
              }
              step += 1
            }
            if writer == 0 { await store.close() }
          }
        }
        for node in ["shard1", "coordinator", "shard0"] {
          try await Task.sleep(for: .milliseconds(400))
          let before = acknowledged.withLock { $0.count }
          try await cluster.run("kill", node)
          try await cluster.run("promote", node)
          // Writing goes on before the next one is lost.
          while acknowledged.withLock({ $0.count }) < before + 24 { try await Task.sleep(for: .milliseconds(10)) }
        }
        isWriting.store(false, ordering: .relaxed)
        try await group.waitForAll()
      }
      let items = try await index.store.items(after: 0, limit: 100_000)
      let known = acknowledged.withLock { $0 }
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
