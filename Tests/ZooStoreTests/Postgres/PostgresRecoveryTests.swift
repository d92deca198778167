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
    let call = Call(
      "SELECT * FROM zoo.remove_items($1, $2)", [.int(index.postgres.index), .texts(["one", "two"])])
    try await dieWriting(call, to: index, decision: isDecided ? [] : nil)
  }

  /// - Parameter decision: what the coordinator has done with it; nil where it has not been told.
  private func dieWriting(_ call: Call, to index: PostgresIndex, decision: [Call]?) async throws {
    try await index.postgres.cluster.write { [number = index.postgres.index] _ in
      let coordinator = try Connection(to: index.connection, lockTimeout: 5)
      let begun = try coordinator.run(Call("SELECT * FROM zoo.begin_writing($1)", [.int(number)]))
      let transaction = try begun.bigint(0, 0)
      for (shard, target) in try begun.texts(0, 2).enumerated() {
        let connection = try Connection(to: target, lockTimeout: 5)
        _ = try connection.run([.begin, call])
        _ = try connection.run(.prepare(PreparedTransaction(index: number, number: transaction, shard: shard)))
      }
      if let decision {
        let row = Call(
          "INSERT INTO zoo.transactions (number, index) VALUES ($1, $2)", [.bigint(transaction), .int(number)])
        _ = try coordinator.run([.begin] + decision + [row, .commit])
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

  @Test(
    "predictions of a version that was to become active, before and after it was decided", arguments: [false, true])
  func switching(isDecided: Bool) async throws {
    try await withIndex { index in
      let store = index.store
      try await store.addVersion(2, bits: 64)
      var items = (1...4).map { (number: Int) in NewItem.testing("\(number)", picture: number) }
      for place in items.indices {
        items[place].picture.codes[2] = code(0)
        items[place].picture.predictions = [2: Prediction(category: "Hats")]
        items[place].predicted = PredictedFields(category: true)
      }
      _ = try await store.put(items)
      let call = Call("SELECT zoo.apply_predictions($1, $2)", [.int(index.postgres.index), .bigint(2)])
      let settings = Call(
        "UPDATE zoo.indexes SET settings = jsonb_set(settings, '{active,version}', '2') WHERE number = $1",
        [.int(index.postgres.index)])
      try await dieWriting(call, to: index, decision: isDecided ? [settings] : nil)
      #expect(try await store.settings().active.version == (isDecided ? 2 : 1))
      #expect(try await store.ids(version: 2, categories: ["Hats"]) == (isDecided ? ["1", "2", "3", "4"] : []))
      // Whoever tries again does it once.
      var next = try await store.settings()
      next.active.version = 2
      try await store.save(next)
      #expect(try await store.ids(version: 2, categories: ["Hats"]) == ["1", "2", "3", "4"])
      #expect(try await store.statistics().categories == ["Bags": 2, "Hats": 4])
      try await store.rebuild()
      #expect(try await store.statistics().categories == ["Bags": 2, "Hats": 4])
    }
  }

  @Test("in indexes of interface 1 nothing goes by predictions, until it is put again")
  func upgrading() async throws {
    if let reason = PostgresCluster.reasonToSkip { return print("skipped: \(reason)") }
    let cluster = try await PostgresCluster()
    do {
      let index = try await PostgresIndex(connection: cluster.connection, .testing())
      _ = try await index.store.put(
        (1...4).map { (number: Int) in NewItem.testing("\(number)", attributes: ["colour": "red"], picture: number) })
      let before = try await index.store.items(after: 0, limit: 9)
      // As they were.
      try await index.postgres.cluster.write { [number = index.postgres.index] writer in
        for shard in writer.shards {
          let connection = try Connection(to: shard.target, lockTimeout: 5)
          _ = try connection.run([
            Call("SELECT set_config('search_path', 'zoo_' || $1::int, false)", [.int(number)]),
            Call("ALTER TABLE items DROP COLUMN predicted"), Call("ALTER TABLE picture_codes DROP COLUMN prediction"),
            Call("ALTER TABLE pictures ADD COLUMN prediction jsonb NOT NULL DEFAULT '{\"category\": \"Bags\"}'"),
          ])
          _ = try connection.run(
            Call(
              "CREATE OR REPLACE FUNCTION zoo.shard_interface() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'"))
        }
      }
      await expectError(.failedPrecondition, "tools/deploy/sql") { _ = try await index.reopened() }
      // Twice does no harm.
      for _ in 0..<2 { try await cluster.upgrade() }
      let store = try await PostgresStore.open(
        connection: cluster.connection, name: index.name, options: .testing)
      #expect(try await store.items(after: 0, limit: 9) == before)
      try await store.addVersion(2, bits: 64)
      try await store.setCodes(
        (1...4).map {
          PictureCode(picture: .testing($0), code: code(0), prediction: Prediction(category: "Hats"))
        }, of: 2)
      var new = NewItem.testing("2", attributes: ["colour": "red"], picture: 2)
      new.picture.predictions = [1: Prediction(category: "Bags")]
      new.predicted = PredictedFields(category: true)
      _ = try await store.put([new])
      #expect(try await store.picture(.testing(1))?.predictions == [2: Prediction(category: "Hats")])
      #expect(
        try await store.picture(.testing(2))?.predictions
          == [1: Prediction(category: "Bags"), 2: Prediction(category: "Hats")])
      var settings = IndexSettings.testing()
      settings.active.version = 2
      try await store.save(settings)
      #expect(try await store.items(ids: ["1", "2"]).map { $0?.category } == ["Bags", "Hats"])
      await store.close()
    } catch {
      try? await cluster.down()
      throw error
    }
    try await cluster.down()
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
