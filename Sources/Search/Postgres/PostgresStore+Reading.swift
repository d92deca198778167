public import ZooItems

extension PostgresStore {
  // MARK: Items

  public func items(ids: [String]) async throws -> [Item?] {
    let ids = ids.map { ItemText.normalized($0) }
    let found = try await items(
      Call("SELECT * FROM zoo.items_by_id($1, $2)", [.int(index), .texts(Set(ids.compactMap(\.storable)))]))
    let byID = Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0) })
    return ids.map { byID[$0] }
  }

  public func items(numbers: [UInt32]) async throws -> [Item?] {
    let found = try await items(
      Call("SELECT * FROM zoo.items_by_number($1, $2)", [.int(index), .bigints(Set(numbers).map(Int64.init))]))
    let byNumber = Dictionary(uniqueKeysWithValues: found.map { ($0.number, $0) })
    return numbers.map { byNumber[$0] }
  }

  public func items(after number: UInt32, limit: Int) async throws -> [Item] {
    guard limit >= 0 else { throw SearchError(.invalid, "limit is \(limit): ask for 0 items or more") }
    return try await items(
      Call(
        "SELECT * FROM zoo.items_after($1, $2, $3) ORDER BY number LIMIT $3",
        [.int(index), .bigint(Int64(number)), .bigint(Int64(limit))]))
  }

  private func items(_ call: Call) async throws -> [Item] {
    try await read(call) { _, rows in
      try (0..<rows.count).map { row in
        Item(
          number: UInt32(try rows.bigint(row, 0)), id: try rows.text(row, 1), category: try rows.text(row, 2),
          attributes: try rows.strings(row, 3), link: try rows.text(row, 4), picture: try rows.hash(row, 5),
          predicted: rows.isNull(row, 6) ? PredictedFields() : try rows.json(row, 6))
      }
    }
  }

  // MARK: Pictures

  public func picture(_ hash: ContentHash) async throws -> StoredPicture? {
    try await read(Call("SELECT * FROM zoo.picture($1, $2)", [.int(index), .bytea(hash.bytes)])) { _, rows in
      guard rows.count > 0 else { return nil }
      var codes: [UInt32: [UInt8]] = [:]
      for case (let version?, let code?) in zip(try rows.bigints(0, 1), try rows.varbits(0, 2)) {
        codes[UInt32(version)] = code
      }
      var predictions: [UInt32: Prediction] = [:]
      for (version, prediction) in try rows.json(0, 3, as: [String: Prediction].self) {
        if let version = UInt32(version) { predictions[version] = prediction }
      }
      return StoredPicture(hash: hash, codes: codes, predictions: predictions, hasData: try rows.bool(0, 0))
    }
  }

  public func data(ofPicture hash: ContentHash) async throws -> [UInt8]? {
    try await read(Call("SELECT * FROM zoo.picture_data($1, $2)", [.int(index), .bytea(hash.bytes)])) { _, rows in
      rows.count == 0 || rows.isNull(0, 0) ? nil : try rows.bytea(0, 0)
    }
  }

  public func pictures(
    withoutCodeOf version: UInt32, after hash: ContentHash?, limit: Int
  ) async throws -> [ContentHash] {
    guard limit >= 0 else { throw SearchError(.invalid, "limit is \(limit): ask for 0 pictures or more") }
    let call = Call(
      "SELECT * FROM zoo.pictures_without_code($1, $2, $3, $4) ORDER BY hash LIMIT $4",
      [.int(index), .bigint(Int64(version)), .bytea(hash?.bytes ?? []), .bigint(Int64(limit))])
    return try await read(call) { state, rows in
      _ = try state.widths.width(of: version, "version")
      return try (0..<rows.count).map { try rows.hash($0, 0) }
    }
  }

  // MARK: Statistics

  public func statistics() async throws -> StoreStatistics {
    try await read(Call("SELECT * FROM zoo.statistics($1)", [.int(index)])) { state, rows in
      var statistics = StoreStatistics()
      for version in state.widths.bits.keys { statistics.codes[version] = 0 }
      for row in 0..<rows.count {
        statistics.items += Int(try rows.bigint(row, 0))
        statistics.pictures += Int(try rows.bigint(row, 1))
        statistics.categories.merge(try rows.json(row, 2), uniquingKeysWith: +)
        for (version, count) in try rows.json(row, 3, as: [String: Int].self) {
          if let version = UInt32(version) { statistics.codes[version, default: 0] += count }
        }
        statistics.codeBytes += Int(try rows.bigint(row, 4))
        statistics.otherBytes += Int(try rows.bigint(row, 5))
        statistics.diskBytes += Int(try rows.bigint(row, 6))
      }
      return statistics
    }
  }

  // MARK: Asking

  /// Asks the shards through the coordinator.
  ///
  /// - Parameter body: turns what the coordinator knows of the index, and the rows, into the answer.
  func read<Value: Sendable>(
    _ call: Call, _ body: @escaping @Sendable (IndexState, Rows) throws -> Value
  ) async throws -> Value {
    let begin = Call("SELECT * FROM zoo.begin_reading($1)", [.int(index)])
    return try await cluster.read { link in
      let rows = try link.run([begin, call])
      return try body(try IndexState(rows[0]), rows[1])
    }
  }
}

extension String {
  /// Nil where PostgreSQL has no such text, and so no such item.
  var storable: String? { utf8.contains(0) ? nil : self }
}
