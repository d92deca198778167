internal import Foundation
internal import GRDB
import ZooHamming
import ZooItems

/// What is resident of an index: all that a search needs.
struct Memory: Sendable {
  var settings: IndexSettings
  var widths: HasherWidths
  /// By version of the hasher. The partition of an item is its category.
  var indexes: [UInt32: HammingIndex]
  let catalogue: Catalogue
  let filters: FilterSets
  /// The number of the next item that is put. Beyond `UInt32` when all are used.
  var nextNumber: Int64
  let threads: Int

  /// Reads the columns of an index.
  init(reading database: Database, threads: Int) throws {
    guard let state = try Row.fetchOne(database, sql: "SELECT settings, next_number FROM state") else {
      throw SearchError(
        .dataLoss, "the index has lost its settings: restore it from a copy, or create it anew")
    }
    settings = try IndexSettings(json: state[0], "settings")
    nextNumber = state[1]
    catalogue = Catalogue()
    filters = FilterSets()
    widths = HasherWidths()
    indexes = [:]
    self.threads = threads
    try readCatalogue(of: database)
    for row in try Row.fetchAll(database, sql: "SELECT version, bits FROM versions") {
      try add(version: row[0], bits: row[1])
    }
    for (version, index) in indexes {
      var columns = CodeColumns(index)
      try readCodes(of: version, database) { try columns.append(number: $0, label: $1, partition: $2, code: $3) }
      try columns.flush()
    }
  }

  mutating func add(version: UInt32, bits: Int) throws {
    widths.bits[version] = bits
    indexes[version] = try HammingIndex(bits: bits, threads: threads)
  }

  mutating func remove(version: UInt32) {
    widths.bits[version] = nil
    indexes[version] = nil
  }

  private static func damaged(_ what: String) -> SearchError {
    SearchError(.dataLoss, "the index is damaged, \(what): restore it from a copy, or create it anew")
  }

  private func readCatalogue(of database: Database) throws {
    var read = Catalogue.Additions()
    func check(_ number: Int64, _ count: Int, _ table: String) throws {
      guard number == count else { throw Self.damaged("\(table) has number \(number) in place \(count)") }
    }
    let categories = try Row.fetchCursor(database, sql: "SELECT number, name FROM categories ORDER BY number")
    while let row = try categories.next() {
      try check(row[0], read.categories.count, "categories")
      read.categories.append(row[1])
    }
    let terms = try Row.fetchCursor(database, sql: "SELECT number, attribute, value FROM terms ORDER BY number")
    while let row = try terms.next() {
      try check(row[0], read.terms.count, "terms")
      read.terms.append(Catalogue.Term(attribute: row[1], value: row[2]))
    }
    let labels = try Row.fetchCursor(database, sql: "SELECT number, category, terms FROM labels ORDER BY number")
    while let row = try labels.next() {
      try check(row[0], read.labels.count, "labels")
      let label = Labels.Label(category: row[1], terms: [UInt32](littleEndian: try row.bytes(2)))
      guard label.category < read.categories.count, label.terms.allSatisfy({ $0 < read.terms.count }) else {
        throw Self.damaged("label \(read.labels.count) has words that are not there")
      }
      read.labels.append(label)
    }
    let items = try Row.fetchCursor(database, sql: "SELECT number, label FROM items ORDER BY number")
    while let row = try items.next() {
      guard UInt32(exactly: row[0] as Int64) != nil, let label = UInt32(exactly: row[1] as Int64),
        label < read.labels.count, row[0] < nextNumber
      else { throw Self.damaged("item \(row[0] as Int64) has a number or a label that is not given out") }
      read.items[label, default: 0] += 1
    }
    catalogue.add(read)
  }

  /// What the database has to be found by a version, in the order of numbers.
  ///
  /// - Parameter body: gets the number, the label, the partition and the code of an item.
  func readCodes(
    of version: UInt32, _ database: Database, _ body: (UInt32, UInt32, UInt32, Data) throws -> Void
  ) throws {
    guard try database.tableExists(Schema.codes(of: version)) else {
      throw Self.damaged("the codes of version \(version) are not there")
    }
    let view = catalogue.view
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT items.number, items.label, codes.code
        FROM items CROSS JOIN \(Schema.codes(of: version)) AS codes ON codes.picture = items.picture
        ORDER BY items.number
        """)
    while let row = try rows.next() {
      let number: UInt32 = row[0]
      let label: UInt32 = row[1]
      try row.withUnsafeData(atIndex: 2) { code in
        guard let code, code.count * 8 == widths.bits[version] else {
          throw Self.damaged("item \(number) has a code of another width than version \(version) makes")
        }
        try body(number, label, view.labels[label].category, code)
      }
    }
  }
}
