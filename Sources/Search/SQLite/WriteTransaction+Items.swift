internal import Foundation
internal import GRDB
import ZooHamming
import ZooItems

extension WriteTransaction {
  private struct StoredItem {
    var number: UInt32
    var category: UInt32
    var label: UInt32
    var picture: Int64

    func entry(_ code: [UInt8]) -> HammingEntry {
      HammingEntry(number: number, partition: category, label: label, code: code)
    }
  }

  // MARK: Items

  /// Puts items that have been checked, but for their codes.
  mutating func put(_ items: [NewItem]) throws -> [PutOutcome] {
    try changes.widths.check(items)
    // The first item with each picture of which there is neither a code nor a file.
    var bare: [Int64: Int] = [:]
    var left: Set<Int64> = []
    var outcomes: [PutOutcome] = []
    outcomes.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      guard let number = UInt32(exactly: changes.nextNumber) else {
        throw SearchError(
          .failedPrecondition,
          "the index has given out all \(UInt32.max) numbers that items can have: create another and move them there")
      }
      changes.nextNumber += 1
      let old = try self.item(item.id)
      if let old {
        try remove(old)
        left.insert(old.picture)
      }
      let picture = try self.picture(item.picture)
      bare[picture.number] = picture.isBare ? bare[picture.number] ?? index : nil
      let duplicate: String? = try row(
        "SELECT id FROM items WHERE picture = ? ORDER BY number LIMIT 1", [picture.number]
      ).map { $0[0] }
      let category = try category(item.category)
      let new = StoredItem(
        number: number, category: category, label: try label(category: category, item.attributes),
        picture: picture.number)
      try execute(
        "INSERT INTO items (number, id, label, picture, link, predicted) VALUES (?, ?, ?, ?, ?, ?)",
        [
          Int64(number), item.id, Int64(new.label), picture.number, item.link,
          item.predicted.isEmpty ? nil : try item.predicted.json(),
        ])
      changes.additions.items[new.label, default: 0] += 1
      for (version, code) in picture.codes { changes.indexes[version, default: .init()].insert(new.entry(code)) }
      outcomes.append(PutOutcome(number: number, replaced: old != nil, duplicateOf: duplicate))
    }
    try drop(left)
    for (picture, index) in bare.sorted(by: { $0.value < $1.value })
    where try row("SELECT 1 FROM items WHERE picture = ?", [picture]) != nil {
      throw SearchError(
        .failedPrecondition,
        "items[\(index)].picture has neither a code nor data, and the index does not have it: send it whole")
    }
    return outcomes
  }

  mutating func remove(_ ids: [String]) throws -> [Bool] {
    var left: Set<Int64> = []
    let removed = try ids.map { id in
      guard let item = try item(id) else { return false }
      try remove(item)
      left.insert(item.picture)
      return true
    }
    try drop(left)
    return removed
  }

  private func item(_ id: String) throws -> StoredItem? {
    try row("SELECT number, label, picture FROM items WHERE id = ?", [id]).map(item)
  }

  private func item(_ row: Row) -> StoredItem {
    let label: UInt32 = row[1]
    return StoredItem(number: row[0], category: category(ofLabel: label), label: label, picture: row[2])
  }

  private mutating func remove(_ item: StoredItem) throws {
    for version in changes.widths.bits.keys {
      guard let code = try code(of: item.picture, version) else { continue }
      changes.indexes[version, default: .init()].remove(item.entry(code))
    }
    try execute("DELETE FROM items WHERE number = ?", [Int64(item.number)])
    changes.additions.items[item.label, default: 0] -= 1
  }

  // MARK: Pictures

  /// Finds a picture or adds it, and gives it what it lacks.
  private mutating func picture(
    _ new: NewPicture
  ) throws -> (number: Int64, codes: [UInt32: [UInt8]], isBare: Bool) {
    let stored = try row("SELECT number, has_data FROM pictures WHERE hash = ?", [Data(new.hash.bytes)])
    let number: Int64
    if let stored {
      number = stored[0]
    } else {
      try execute("INSERT INTO pictures (hash, has_data) VALUES (?, 0)", [Data(new.hash.bytes)])
      number = database.lastInsertedRowID
    }
    var hasData: Bool = stored?[1] ?? false
    if !hasData, let data = new.data {
      try execute("INSERT INTO picture_data (picture, data) VALUES (?, ?)", [number, Data(data)])
      try execute("UPDATE pictures SET has_data = 1 WHERE number = ?", [number])
      hasData = true
    }
    var codes: [UInt32: [UInt8]] = [:]
    for version in changes.widths.bits.keys {
      if stored != nil, let code = try code(of: number, version) {
        codes[version] = code
      } else if let code = new.codes[version] {
        try set(code, of: version, picture: number, before: nil)
        codes[version] = code
      }
      if new.codes[version] != nil, let prediction = new.predictions[version] {
        try execute(
          "INSERT OR IGNORE INTO \(Schema.predictions(of: version)) (picture, prediction) VALUES (?, ?)",
          [number, try prediction.json()])
      }
    }
    return (number, codes, codes.isEmpty && !hasData)
  }

  private func code(of picture: Int64, _ version: UInt32) throws -> [UInt8]? {
    try row("SELECT code FROM \(Schema.codes(of: version)) WHERE picture = ?", [picture])?.bytes(0)
  }

  /// Makes all that show a picture findable by a code.
  private mutating func set(_ code: [UInt8], of version: UInt32, picture: Int64, before: [UInt8]?) throws {
    try execute(
      "INSERT OR REPLACE INTO \(Schema.codes(of: version)) (picture, code) VALUES (?, ?)", [picture, Data(code)])
    for row in try rows("SELECT number, label, picture FROM items WHERE picture = ?", [picture]) {
      let item = item(row)
      if let before { changes.indexes[version, default: .init()].remove(item.entry(before)) }
      changes.indexes[version, default: .init()].insert(item.entry(code))
    }
  }

  /// Drops those of some pictures that no item shows any more.
  private func drop(_ pictures: Set<Int64>) throws {
    for picture in pictures {
      try execute(
        "DELETE FROM pictures WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM items WHERE picture = ?1)", [picture])
    }
  }

  /// Sets codes and predictions that have been checked, but for the codes' widths.
  mutating func set(_ codes: [PictureCode], of version: UInt32) throws {
    _ = try changes.widths.width(of: version, "version")
    for (index, code) in codes.enumerated() {
      try changes.widths.check(code.code, of: version, "codes[\(index)].code")
      let row = try row("SELECT number FROM pictures WHERE hash = ?", [Data(code.picture.bytes)])
      guard let picture: Int64 = row?[0] else { continue }
      try set(code.code, of: version, picture: picture, before: try self.code(of: picture, version))
      try execute(
        "INSERT OR REPLACE INTO \(Schema.predictions(of: version)) (picture, prediction) VALUES (?, ?)",
        [picture, try code.prediction.json()])
    }
  }
}
