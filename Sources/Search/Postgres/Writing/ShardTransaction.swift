internal import ZooItems

/// A transaction on the shards of one index, up to where each of them has prepared its part.
final class ShardTransaction {
  let index: Int32
  let number: Int64
  private let shards: [Link]
  /// Where the transaction has begun. It does not go on over another connection.
  private var connections: [Connection?]
  private var changed: Set<Int> = []

  init(_ index: Int32, number: Int64, on shards: [Link]) {
    self.index = index
    self.number = number
    self.shards = shards
    connections = shards.map { _ in nil }
  }

  var shardCount: Int { shards.count }
  /// What has been prepared, or is to be.
  var parts: [PreparedTransaction] {
    changed.sorted().map { PreparedTransaction(index: index, number: number, shard: $0) }
  }

  /// Which shard keeps a picture and the items that show it: `zoo.picture_place` of tools/deploy/sql/coordinator.sql.
  func shard(of picture: ContentHash) -> Int {
    Int(picture.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF) % shardCount
  }

  /// Runs statements on all shards at once, by shard. A shard without statements is left alone.
  func run(_ calls: [[Call]]) throws(PostgresFailure) -> [[Rows]] {
    var all = calls
    for shard in shards.indices where !calls[shard].isEmpty && connections[shard] == nil {
      connections[shard] = try shards[shard].opened()
      all[shard].insert(.begin, at: 0)
    }
    return zip(try fanOut(all), calls).map { rows, calls in Array(rows.suffix(calls.count)) }
  }

  /// The shard has something to commit.
  func hasChanged(_ shard: Int) { changed.insert(shard) }

  /// Prepares what has changed, and ends the rest.
  func prepare() throws(PostgresFailure) {
    let parts = Dictionary(uniqueKeysWithValues: parts.map { ($0.shard, $0) })
    let rows = try fanOut(
      connections.indices.map { shard in
        connections[shard] == nil ? [] : [parts[shard].map(Call.prepare) ?? .rollback]
      })
    for shard in parts.keys where rows[shard].last?.commandTag != "PREPARE TRANSACTION" {
      throw PostgresFailure(state: nil, text: "a shard did not prepare its part of a transaction")
    }
  }

  /// Undoes what was begun. What cannot be undone is in doubt, and found so by whoever writes next.
  func abandon() {
    for connection in connections { _ = try? connection?.run(.rollback) }
    for part in parts { _ = try? shards[part.shard].run(.rollbackPrepared(part)) }
  }

  private func fanOut(_ calls: [[Call]]) throws(PostgresFailure) -> [[Rows]] {
    var failure: PostgresFailure?
    var sent: [Connection?] = []
    for (connection, calls) in zip(connections, calls) {
      do {
        if !calls.isEmpty { try connection?.send(calls) }
        sent.append(calls.isEmpty ? nil : connection)
      } catch {
        failure = failure ?? error
        sent.append(nil)
      }
    }
    var rows: [[Rows]] = []
    for connection in sent {
      do {
        rows.append(try connection?.receive() ?? [])
      } catch {
        failure = failure ?? error
        rows.append([])
      }
    }
    if let failure { throw failure }
    return rows
  }
}
