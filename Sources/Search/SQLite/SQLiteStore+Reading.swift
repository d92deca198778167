internal import Foundation
internal import GRDB
import ZooHamming
public import ZooItems

extension SQLiteStore {
  // MARK: Items

  public func items(ids: [String]) async throws -> [Item?] {
    let ids = ids.map(ItemText.normalized)
    return try await read { reader in
      try ids.map { try reader.items("WHERE items.id = ?", [$0]).first }
    }
  }

  public func items(numbers: [UInt32]) async throws -> [Item?] {
    try await file.reporting { try itemsHere(numbers: numbers) }
  }

  /// Reads items on this thread.
  private func itemsHere(numbers: [UInt32]) throws -> [Item?] {
    let view = try resident.memory().catalogue.view
    return try found.read { database in
      var reader = ItemReader(database, view)
      // One statement for all: each costs as much as reading several items.
      let items = try reader.items("WHERE items.number IN (SELECT value FROM json_each(?))", ["\(numbers)"])
      let byNumber = Dictionary(uniqueKeysWithValues: items.map { ($0.number, $0) })
      return numbers.map { byNumber[$0] }
    }
  }

  public func items(after number: UInt32, limit: Int) async throws -> [Item] {
    guard limit >= 0 else { throw SearchError(.invalid, "limit is \(limit): ask for 0 items or more") }
    return try await read { reader in
      try reader.items("WHERE items.number > ? ORDER BY items.number LIMIT ?", [Int64(number), limit])
    }
  }

  // MARK: Pictures

  public func picture(_ hash: ContentHash) async throws -> StoredPicture? {
    try await read { reader in
      guard
        let row = try reader.row(
          "SELECT number, has_data FROM pictures WHERE hash = ?", [Data(hash.bytes)])
      else { return nil }
      let number: Int64 = row[0]
      var codes: [UInt32: [UInt8]] = [:]
      var predictions: [UInt32: Prediction] = [:]
      for row in try Row.fetchAll(reader.database, sql: "SELECT version FROM versions") {
        let version: UInt32 = row[0]
        codes[version] = try reader.row(
          "SELECT code FROM \(Schema.codes(of: version)) WHERE picture = ?", [number])?.bytes(0)
        predictions[version] = try reader.row(
          "SELECT prediction FROM \(Schema.predictions(of: version)) WHERE picture = ?", [number]
        ).map { try Prediction(json: $0[0], "a prediction of picture \(hash)") }
      }
      return StoredPicture(hash: hash, codes: codes, predictions: predictions, hasData: row[1])
    }
  }

  public func data(ofPicture hash: ContentHash) async throws -> [UInt8]? {
    try await read { reader in
      try reader.row(
        """
        SELECT data FROM picture_data JOIN pictures ON pictures.number = picture_data.picture WHERE pictures.hash = ?
        """, [Data(hash.bytes)])?.bytes(0)
    }
  }

  public func pictures(
    withoutCodeOf version: UInt32, after hash: ContentHash?, limit: Int
  ) async throws -> [ContentHash] {
    guard limit >= 0 else { throw SearchError(.invalid, "limit is \(limit): ask for 0 pictures or more") }
    _ = try resident.memory().widths.width(of: version, "version")
    return try await read { reader in
      let rows = try Row.fetchAll(
        reader.database.cachedStatement(
          sql: """
            SELECT hash FROM pictures
            WHERE hash > ? AND has_data
              AND NOT EXISTS (SELECT 1 FROM \(Schema.codes(of: version)) AS codes WHERE codes.picture = pictures.number)
            ORDER BY hash LIMIT ?
            """), arguments: [Data(hash?.bytes ?? []), limit])
      return try rows.map { row in
        guard let hash = ContentHash(try row.bytes(0)) else {
          throw SearchError(.dataLoss, "a picture's hash is damaged: restore the index from a copy")
        }
        return hash
      }
    }
  }

  // MARK: Statistics

  public func statistics() async throws -> StoreStatistics {
    let memory = try resident.memory()
    var statistics = try await read { reader in
      var statistics = StoreStatistics()
      statistics.pictures = try Int.fetchOne(reader.database, sql: "SELECT COUNT(*) FROM pictures") ?? 0
      for row in try Row.fetchAll(reader.database, sql: "SELECT version FROM versions") {
        let version: UInt32 = row[0]
        statistics.codes[version] =
          try Int.fetchOne(reader.database, sql: "SELECT COUNT(*) FROM \(Schema.codes(of: version))") ?? 0
      }
      return statistics
    }
    let items = memory.catalogue.items
    let view = memory.catalogue.view
    statistics.items = items.reduce(0, +)
    for (label, count) in items.enumerated() where count > 0 {
      statistics.categories[view.category(ofLabel: UInt32(label)), default: 0] += count
    }
    for index in memory.indexes.values.map(\.statistics) {
      statistics.codeBytes += index.codeBytes
      statistics.otherBytes += index.overheadBytes
    }
    statistics.otherBytes += memory.catalogue.bytes + memory.filters.bytes
    statistics.diskBytes = file.diskBytes
    return statistics
  }

  private func read<Result: Sendable>(
    _ body: @escaping @Sendable (inout ItemReader) throws -> Result
  ) async throws -> Result {
    let view = try resident.memory().catalogue.view
    return try await file.reporting {
      try await pool.read { database in
        var reader = ItemReader(database, view)
        return try body(&reader)
      }
    }
  }
}
