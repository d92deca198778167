internal import ZooItems

extension Writer {
  /// Puts items that have been checked, but for their codes.
  func put(_ items: [NewItem], to index: Int32) throws -> [PutOutcome] {
    try write(to: index) { transaction, state in
      let state = try Self.present(state)
      try state.widths.check(items)
      let last = state.lastItem + Int64(items.count)
      guard last <= UInt32.max else {
        throw SearchError(
          .failedPrecondition,
          "the index has given out all \(UInt32.max) numbers that items can have: create another and move them there")
      }
      let pictures = try PictureBatch(items, transaction).calls
      var left = items.map(\.picture.hash)
      var outcomes: [PutOutcome] = []
      for run in Self.runs(items) {
        let batch = ItemBatch(items[run], first: state.lastItem + Int64(run.lowerBound) + 1, transaction)
        var calls = try batch.calls
        if run.lowerBound == 0 { calls = zip(pictures, calls).map { $0 + $1 } }
        let rows = try transaction.run(calls)
        outcomes += try batch.outcomes(rows.map { $0[$0.count - 1] }, left: &left)
      }
      let bare = Set(try sweep(left, transaction))
      if let place = items.firstIndex(where: { bare.contains($0.picture.hash) }) {
        throw SearchError(
          .failedPrecondition,
          "items[\(place)].picture has neither a code nor data, and the index does not have it: send it whole")
      }
      let counter = Call("UPDATE zoo.indexes SET last_item = $2 WHERE number = $1", [.int(index), .bigint(last)])
      return (outcomes, [counter])
    }
  }

  /// - Parameter ids: in normalization form C.
  func remove(_ ids: [String], from index: Int32) throws -> [Bool] {
    try write(to: index) { transaction, state in
      _ = try Self.present(state)
      let call = Call("SELECT * FROM zoo.remove_items($1, $2)", [.int(index), .texts(Set(ids))])
      var removed: Set<String> = []
      var left: [ContentHash] = []
      for (shard, rows) in try transaction.run(Array(repeating: [call], count: transaction.shardCount)).enumerated() {
        for row in 0..<rows[0].count {
          removed.insert(try rows[0].text(row, 0))
          left.append(try rows[0].hash(row, 1))
          transaction.hasChanged(shard)
        }
      }
      _ = try sweep(left, transaction)
      return (ids.map { removed.remove($0) != nil }, [])
    }
  }

  /// Sets codes and predictions that have been checked, but for the codes' widths.
  func set(_ codes: [PictureCode], of version: UInt32, in index: Int32) throws {
    try write(to: index) { transaction, state in
      let state = try Self.present(state)
      _ = try state.widths.width(of: version, "version")
      for (place, code) in codes.enumerated() { try state.widths.check(code.code, of: version, "codes[\(place)].code") }
      // Of two codes for one picture the later one stays.
      let last = Dictionary(codes.map { ($0.picture, $0) }) { $1 }
      var shares = [[PictureCode]](repeating: [], count: transaction.shardCount)
      for code in last.values { shares[transaction.shard(of: code.picture)].append(code) }
      _ = try transaction.run(
        shares.map { share in
          guard !share.isEmpty else { return [] }
          let parameters: [Parameter] = [
            .int(index), .bigint(Int64(version)), .byteas(share.map(\.picture.bytes)), .varbits(share.map(\.code)),
            try .jsonbs(share.map(\.prediction)),
          ]
          return [Call("SELECT zoo.set_codes($1, $2, $3, $4, $5)", parameters)]
        })
      for (shard, share) in shares.enumerated() where !share.isEmpty { transaction.hasChanged(shard) }
      return ((), [])
    }
  }

  /// Lets go of those of some pictures that no item shows.
  ///
  /// - Returns: those that are shown and have neither a code nor data.
  private func sweep(_ pictures: [ContentHash], _ transaction: ShardTransaction) throws -> [ContentHash] {
    var shares = [Set<[UInt8]>](repeating: [], count: transaction.shardCount)
    for picture in pictures { shares[transaction.shard(of: picture)].insert(picture.bytes) }
    let rows = try transaction.run(
      shares.map { share in
        share.isEmpty
          ? [] : [Call("SELECT * FROM zoo.sweep($1, $2)", [.int(transaction.index), .byteas(share.map { $0 })])]
      })
    return try rows.flatMap { rows in
      try rows.flatMap { rows in try (0..<rows.count).map { try rows.hash($0, 0) } }
    }
  }

  /// Items in runs in which no id comes twice.
  private static func runs(_ items: [NewItem]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = 0
    var ids: Set<String> = []
    for (place, item) in items.enumerated() where !ids.insert(item.id).inserted {
      runs.append(start..<place)
      start = place
      ids = [item.id]
    }
    return items.isEmpty ? [] : runs + [start..<items.count]
  }
}

extension Rows {
  func hash(_ row: Int, _ column: Int) throws -> ContentHash {
    guard let hash = ContentHash(try bytea(row, column)) else {
      throw SearchError(.dataLoss, "a picture's hash is damaged: restore the database from a copy")
    }
    return hash
  }
}
