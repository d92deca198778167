internal import Foundation
internal import GRDB
import ZooHamming
import ZooItems

extension SQLiteStore {
  /// Checks the database, reads it into memory anew, compares that with what was there, and makes both compact.
  ///
  /// Writes wait meanwhile; searches and reads go on. Codes are in memory twice for as long as it takes.
  ///
  /// - Throws: `dataLoss` where the database is damaged, or memory was not what the database says; it is afterwards.
  public func rebuild() async throws {
    try await file.reporting {
      try await queue.alone { [pool, resident] in
        let old = try resident.memory()
        try pool.read(Self.check)
        let new = try pool.read { try Memory(reading: $0, threads: old.threads) }
        resident.replace(new)
        let difference = try pool.read { try old.difference(from: new, $0) }
        for index in new.indexes.values { index.compact() }
        try pool.barrierWriteWithoutTransaction { database in
          try database.execute(sql: "VACUUM")
          try database.execute(sql: "ANALYZE")
          try database.checkpoint(.truncate)
        }
        if let difference {
          throw SearchError(
            .dataLoss, "searches have been wrong, \(difference): the index was read anew and is right again")
        }
      }
    }
  }

  private static func check(_ database: Database) throws {
    let findings = try String.fetchAll(database, sql: "PRAGMA integrity_check(3)")
    guard findings == ["ok"] else {
      throw SearchError(
        .dataLoss,
        "the index is damaged (\(findings.joined(separator: "; "))): restore it from a copy, or create it anew")
    }
    if let row = try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") {
      let table: String = row[0]
      throw SearchError(
        .dataLoss,
        "the index is damaged (\(table) refers to what is not there): restore it from a copy, or create it anew")
    }
  }
}

extension Memory {
  /// What is different from one that was just read, for people. Empties its indexes, which nobody asks any more.
  fileprivate func difference(from other: Memory, _ database: Database) throws -> String? {
    guard widths == other.widths, settings == other.settings, nextNumber == other.nextNumber else {
      return "the versions of the hasher, the settings or the next number differed"
    }
    guard catalogue.items == other.catalogue.items else {
      return "items, their categories or their attributes differed"
    }
    for (version, index) in indexes {
      var missing = 0
      var entries: [HammingEntry] = []
      func remove() {
        missing += entries.count - index.remove(entries)
        entries.removeAll(keepingCapacity: true)
      }
      try other.readCodes(of: version, database) { number, label, partition, code in
        entries.append(HammingEntry(number: number, partition: partition, label: label, code: [UInt8](code)))
        if entries.count == 1 << 16 { remove() }
      }
      remove()
      let left = index.snapshot().count
      guard missing == 0, left == 0 else {
        return "with version \(version) \(missing) items could not be found and \(left) that are not stored could"
      }
    }
    return nil
  }
}
