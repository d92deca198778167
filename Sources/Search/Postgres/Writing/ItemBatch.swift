internal import ZooItems

/// Items with distinct ids, whose pictures have been put.
struct ItemBatch {
  private let items: ArraySlice<NewItem>
  private let first: Int64
  private let transaction: ShardTransaction

  /// - Parameter first: the number of the first of them; the others have those behind it.
  init(_ items: ArraySlice<NewItem>, first: Int64, _ transaction: ShardTransaction) {
    self.items = items
    self.first = first
    self.transaction = transaction
  }

  /// A statement for each shard.
  var calls: [[Call]] {
    get throws {
      let ids = Parameter.texts(items.map(\.id))
      var shares = [[(place: Int, item: NewItem)]](repeating: [], count: transaction.shardCount)
      for (place, item) in items.enumerated() {
        shares[transaction.shard(of: item.picture.hash)].append((place, item))
      }
      return try shares.enumerated().map { shard, share in
        if !share.isEmpty { transaction.hasChanged(shard) }
        let parameters: [Parameter] = [
          .int(transaction.index), ids, .ints(share.map { Int32($0.place) + 1 }),
          .bigints(share.map { first + Int64($0.place) }), .texts(share.map(\.item.category)),
          try .jsonbs(share.map(\.item.attributes)), .texts(share.map(\.item.link)),
          .byteas(share.map(\.item.picture.hash.bytes)),
          try .jsonbs(orNull: share.map { $0.item.predicted.isEmpty ? nil : $0.item.predicted }),
        ]
        return [Call("SELECT * FROM zoo.put_items($1, $2, $3, $4, $5, $6, $7, $8, $9)", parameters)]
      }
    }
  }

  /// - Parameters:
  ///   - answers: of the shards.
  ///   - left: gains the pictures that replaced items showed.
  func outcomes(_ answers: [Rows], left: inout [ContentHash]) throws -> [PutOutcome] {
    var outcomes: [PutOutcome] = []
    var ids: [ContentHash: String] = [:]
    for (place, item) in items.enumerated() {
      outcomes.append(
        PutOutcome(
          number: UInt32(first + Int64(place)), replaced: false, duplicateOf: ids[item.picture.hash]))
      if ids[item.picture.hash] == nil { ids[item.picture.hash] = item.id }
    }
    for (shard, rows) in answers.enumerated() {
      for row in 0..<rows.count {
        let place = Int(try rows.int(row, 0)) - 1
        if try rows.bool(row, 1) {
          outcomes[place].replaced = true
          left.append(try rows.hash(row, 2))
          transaction.hasChanged(shard)
        } else {
          // Older than those of the batch.
          outcomes[place].duplicateOf = try rows.text(row, 3)
        }
      }
    }
    return outcomes
  }
}
