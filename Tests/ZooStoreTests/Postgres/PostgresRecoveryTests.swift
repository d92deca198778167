import Testing
import ZooItems

@testable import ZooPostgresStore

@Suite("PostgreSQL: what clients that died left behind")
struct PostgresRecoveryTests {
  /// An index with two items, which are on shards of their own.
  private func withIndex(_ body: (PostgresIndex) async throws -> Void) async throws {
    if let reason = PostgresCluster.reasonToSkip { return print("skipped: \(reason)") }
    guard let index = try await PostgresUnderTest().make(.testing()) as? PostgresIndex else {
      throw SearchError(.internal, "the index is not in PostgreSQL")
    }
    do {
      #expect(
        try await index.store.put([.testing("one", picture: 1), .testing("two", picture: 2)]).map(\.number) == [1, 2])
      try await body(index)
    } catch {
      try? await index.drop()
      throw error
    }
    try await index.drop()
  }

  /// Removes both items as a client does that dies before the shards commit.
  ///
  /// - Parameter isDecided: whether it has told the coordinator before.
  private func dieRemoving(from index: PostgresIndex, isDecided: Bool) async throws {
    try await index.postgres.cluster.write { [number = index.postgres.index] _ in
      let coordinator = try Connection(to: index.connection, lockTimeout: 5)
      let begun = try coordinator.run(Call("SELECT * FROM zoo.begin_writing($1)", [.int(number)]))
      let transaction = try begun.bigint(0, 0)
      for (shard, target) in try begun.texts(0, 2).enumerated() {
        let connection = try Connection(to: target, lockTimeout: 5)
        _ = try connection.run([
          .begin, Call("SELECT * FROM zoo.remove_items($1, $2)", [.int(number), .texts(["one", "two"])]),
        ])
        _ = try connection.run(.prepare(PreparedTransaction(index: number, number: transaction, shard: shard)))
      }
      if isDecided {
        _ = try coordinator.run(
          Call("INSERT INTO zoo.transactions (number, index) VALUES ($1, $2)", [.bigint(transaction), .int(number)]))
      }
    }
  }

  @Test("what was not decided is undone by the next who writes")
  func undecided() async throws {
    try await withIndex { index in
      try await dieRemoving(from: index, isDecided: false)
      #expect(try await index.store.ids().count == 2)
      // It would wait for the lock on the row for ever, were the other one still there.
      #expect(
        try await index.store.put([.testing("one", picture: 1)]) == [.init(number: 3, replaced: true, duplicateOf: nil)]
      )
      #expect(try await index.store.ids() == ["two", "one"])
    }
  }

  @Test("what was not decided is undone by the next who opens an index")
  func opening() async throws {
    try await withIndex { index in
      try await dieRemoving(from: index, isDecided: false)
      _ = try await PostgresStore.indexes(connection: index.connection)
      let other = try await PostgresStore.open(connection: index.connection, name: index.name)
      let inDoubt = try await other.cluster.write { writer in
        try writer.shards.map {
          try $0.run(Call("SELECT * FROM zoo.in_doubt() WHERE index = $1", [.int(other.index)])).count
        }
      }
      #expect(inDoubt == [0, 0])
      await other.close()
    }
  }

  @Test("what was decided is done by the next who writes")
  func decided() async throws {
    try await withIndex { index in
      try await dieRemoving(from: index, isDecided: true)
      #expect(try await index.store.remove(["one", "three"]) == [false, false])
      #expect(try await index.store.ids() == [])
    }
  }

  @Test("what was decided is done before the next who reads sees anything")
  func decidedAndRead() async throws {
    try await withIndex { index in
      try await dieRemoving(from: index, isDecided: true)
      #expect(try await index.store.items(ids: ["one", "two"]) == [nil, nil])
      #expect(try await index.store.statistics().items == 0)
    }
  }

  @Test("a client that lost its connection to the coordinator decides nothing any more")
  func lostLock() async throws {
    try await withIndex { index in
      let number = index.postgres.index
      await expectError(.notFound, "gone") {
        try await index.postgres.cluster.write { writer in
          var tries = 0
          try writer.write(to: number) { transaction, _ in
            tries += 1
            // The second time.
            guard tries == 1 else { throw IndexState.gone }
            let call = Call("SELECT * FROM zoo.remove_items($1, $2)", [.int(number), .texts(["one", "two"])])
            _ = try transaction.run(Array(repeating: [call], count: transaction.shardCount))
            for shard in 0..<transaction.shardCount { transaction.hasChanged(shard) }
            let other = try Connection(to: index.connection, lockTimeout: 5)
            let ended = try other.run(
              Call(
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
                WHERE locktype = 'advisory' AND classid = zoo.writing() AND objid = $1::int
                """, [.int(number)]))
            #expect(ended.count == 1)
            return ((), [])
          }
        }
      }
      let left = try await index.store.ids()
      #expect(left.count == 2)
    }
  }
}
