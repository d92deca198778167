internal import ZooItems

/// Writes to indexes, one transaction at a time. It belongs to one thread, on which it waits.
///
/// A transaction is committed in two phases. The shards prepare their parts; then the coordinator commits a row in
/// `zoo.transactions`, which decides; then the shards commit. A client holds the index's lock on the coordinator from
/// beginning to end, and the server lets go of it when the client is gone. So whoever holds the lock and finds something
/// prepared knows that its client has gone or will not decide any more, and finishes it by that row: commits it where
/// the row is, rolls it back where it is not.
final class Writer {
  let coordinator: Link
  private let patience: Duration
  private let lockTimeout: Int
  private(set) var shards: [Link] = []

  /// - Parameter connection: of the coordinator.
  init(to connection: String, patience: Duration, lockTimeout: Int) {
    coordinator = Link(to: connection, lockTimeout: lockTimeout)
    self.patience = patience
    self.lockTimeout = lockTimeout
  }

  /// Runs `body` with the coordinator, again while it fails for a reason that may pass.
  func patiently<Value>(_ body: () throws -> Value) throws -> Value {
    var patience = Patience(patience)
    while true {
      do {
        return try body()
      } catch let failure as PostgresFailure {
        try patience.wait(after: failure)
      }
    }
  }

  /// Writes to an index, whole or not at all, and once: where a connection is lost at the moment of the decision, it is asked
  /// for afterwards.
  ///
  /// - Parameters:
  ///   - alone: nobody reads meanwhile. Needed where `body` changes tables rather than rows: readers would wait on a
  ///     shard, and this for them.
  ///   - body: runs statements on the shards, and returns those for the coordinator. Runs anew after a failure. The state is
  ///     nil where the index is not there.
  func write<Value>(
    to index: Int32, alone: Bool = false,
    _ body: (ShardTransaction, IndexState?) throws -> (value: Value, decision: [Call])
  ) throws -> Value {
    var patience = Patience(patience)
    var undecided: (number: Int64, value: Value)?
    var isInDoubt = false
    while true {
      do {
        let session = try coordinator.opened()
        defer { endWriting(session) }
        let (number, state) = try beginWriting(to: index, session, recovers: isInDoubt || undecided != nil)
        if let last = undecided, try isDecided(last.number, session) { return last.value }
        undecided = nil
        isInDoubt = false
        if alone { try beginCommitting(index, session) }
        let transaction = ShardTransaction(index, number: number, on: shards)
        let (value, decision): (Value, [Call])
        do {
          (value, decision) = try body(transaction, state)
          try transaction.prepare()
          guard !transaction.parts.isEmpty || !decision.isEmpty else { return value }
          if !alone { try beginCommitting(index, session) }
        } catch {
          transaction.abandon()
          throw error
        }
        do {
          try decide(number, of: index, decision, session)
        } catch {
          // It is known to be refused, or may have been made.
          if error.mayPass { undecided = (number, value) } else { transaction.abandon() }
          throw error
        }
        try commit(transaction.parts, &patience)
        _ = try? session.run(Call("SELECT zoo.finish($1)", [.bigints([number])]))
        return value
      } catch let failure as PostgresFailure {
        isInDoubt = isInDoubt || failure.isInDoubt
        try patience.wait(after: failure)
      }
    }
  }

  /// Finishes what clients that have gone left behind, in all indexes that nobody writes to now.
  func recoverAll() throws {
    try patiently {
      let session = try coordinator.opened()
      defer { endWriting(session) }
      let layout = try session.run([
        Call("SELECT shards FROM zoo.layout"), Call("SELECT DISTINCT index FROM zoo.transactions WHERE NOT finished"),
      ])
      connect(to: try layout[0].texts(0, 0))
      var indexes = Set(try (0..<layout[1].count).map { try layout[1].int($0, 0) })
      for shard in shards {
        let rows = try shard.run(Call("SELECT DISTINCT index FROM zoo.in_doubt()"))
        for row in 0..<rows.count { indexes.insert(try rows.int(row, 0)) }
      }
      for index in indexes.sorted() {
        let rows = try session.run(Call("SELECT pg_try_advisory_lock(zoo.writing(), $1)", [.int(index)]))
        if try rows.bool(0, 0) { try recover(index, session) }
      }
    }
  }

  // MARK: Steps. `session` holds the index's lock: over another connection nothing may go on.

  private func beginWriting(
    to index: Int32, _ session: Connection, recovers: Bool
  ) throws -> (number: Int64, state: IndexState?) {
    let rows = try session.run(Call("SELECT * FROM zoo.begin_writing($1)", [.int(index)]))
    connect(to: try rows.texts(0, 2))
    if try recovers || rows.bool(0, 1) { try recover(index, session) }
    return (try rows.bigint(0, 0), rows.isNull(0, 3) ? nil : try IndexState(rows, from: 3))
  }

  private func beginCommitting(_ index: Int32, _ session: Connection) throws(PostgresFailure) {
    _ = try session.run(Call("SELECT zoo.begin_committing($1)", [.int(index)]))
  }

  private func decide(
    _ number: Int64, of index: Int32, _ decision: [Call], _ session: Connection
  ) throws(PostgresFailure) {
    let row = Call("INSERT INTO zoo.transactions (number, index) VALUES ($1, $2)", [.bigint(number), .int(index)])
    do throws(PostgresFailure) {
      let rows = try session.run([.begin] + decision + [row, .commit])
      guard rows.last?.commandTag == "COMMIT" else {
        throw PostgresFailure(state: nil, text: "the coordinator did not commit")
      }
    } catch {
      _ = try? session.run(.rollback)
      throw error
    }
  }

  private func isDecided(_ number: Int64, _ session: Connection) throws -> Bool {
    try session.run(Call("SELECT EXISTS (SELECT FROM zoo.transactions WHERE number = $1)", [.bigint(number)])).bool(
      0, 0)
  }

  /// Has the shards commit what is decided, and waits for one that is away.
  private func commit(_ parts: [PreparedTransaction], _ patience: inout Patience) throws {
    var left = parts
    while !left.isEmpty {
      var failure: PostgresFailure?
      let sent = left.map { part in
        Result { () throws(PostgresFailure) in
          let connection = try shards[part.shard].opened()
          try connection.send([.commitPrepared(part)])
          return connection
        }
      }
      left = zip(left, sent).compactMap { part, connection in
        do throws(PostgresFailure) {
          _ = try connection.get().receive()
          return nil
        } catch {
          guard !error.isFinishedTransaction else { return nil }
          failure = failure ?? error
          return part
        }
      }
      if let failure { try patience.wait(after: failure) }
    }
  }

  /// Lets go of all locks. Where that fails the connection goes, and the locks with it.
  private func endWriting(_ session: Connection) {
    if (try? session.run(Call("SELECT zoo.end_writing()"))) == nil { coordinator.drop() }
  }

  /// Finishes what is prepared on the shards of an index.
  private func recover(_ index: Int32, _ session: Connection) throws {
    var parts: [PreparedTransaction] = []
    for (number, shard) in shards.enumerated() {
      let rows = try shard.run(Call("SELECT transaction FROM zoo.in_doubt() WHERE index = $1", [.int(index)]))
      for row in 0..<rows.count {
        parts.append(PreparedTransaction(index: index, number: try rows.bigint(row, 0), shard: number))
      }
    }
    // After the shards were asked: that the session is still there says that nobody else has prepared what was found.
    let rows = try session.run(
      Call(
        "SELECT number FROM zoo.transactions WHERE index = $1 AND (NOT finished OR number = ANY ($2))",
        [.int(index), .bigints(parts.map(\.number))]))
    let decided = Set(try (0..<rows.count).map { try rows.bigint($0, 0) })
    for part in parts {
      do {
        _ = try shards[part.shard].run(decided.contains(part.number) ? .commitPrepared(part) : .rollbackPrepared(part))
      } catch {
        // Otherwise its client was not gone but slow, and has done so itself.
        guard error.isFinishedTransaction else { throw error }
      }
    }
    _ = try session.run(Call("SELECT zoo.finish($1)", [.bigints(decided)]))
  }

  func connect(to targets: [String]) {
    guard shards.map(\.target) != targets else { return }
    shards = targets.map { Link(to: $0, lockTimeout: lockTimeout) }
  }
}
