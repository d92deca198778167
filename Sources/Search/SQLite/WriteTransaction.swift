internal import GRDB
import ZooHamming
import ZooItems

/// A transaction of the writer: what it has done to the database so far, and what is to be done in memory once it is
/// committed.
struct WriteTransaction {
  let database: Database
  /// As it is before the transaction.
  let memory: Memory
  let view: Catalogue.View
  var changes: Changes

  init(_ database: Database, _ memory: Memory) {
    self.database = database
    self.memory = memory
    view = memory.catalogue.view
    changes = Changes(memory)
  }

  /// Writes down what memory keeps count of.
  func finish() throws {
    guard changes.nextNumber != memory.nextNumber else { return }
    try execute("UPDATE state SET next_number = ?", [changes.nextNumber])
  }

  // MARK: Statements

  func execute(_ sql: String, _ arguments: StatementArguments) throws {
    try database.cachedStatement(sql: sql).execute(arguments: arguments)
  }

  func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
    try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
  }

  func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] {
    try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
  }
}

/// What a transaction does to what is in memory.
struct Changes: Sendable {
  /// Of the index of one version.
  struct OfIndex: Sendable {
    private(set) var removing: [HammingEntry] = []
    private var added: [UInt32: HammingEntry] = [:]

    var inserting: [HammingEntry] { added.values.sorted { $0.number < $1.number } }

    mutating func insert(_ entry: HammingEntry) { added[entry.number] = entry }

    mutating func remove(_ entry: HammingEntry) {
      if added.removeValue(forKey: entry.number) == nil { removing.append(entry) }
    }
  }

  var settings: IndexSettings
  var widths: HasherWidths
  var nextNumber: Int64
  var additions = Catalogue.Additions()
  var categoryNumbers: [String: UInt32] = [:]
  var termNumbers: [Catalogue.Term: UInt32] = [:]
  /// By version of the hasher.
  var indexes: [UInt32: OfIndex] = [:]
  /// Versions whose codes are forgotten: what `indexes` says of them comes after that.
  var removedVersions: Set<UInt32> = []

  init(_ memory: Memory) {
    settings = memory.settings
    widths = memory.widths
    nextNumber = memory.nextNumber
  }
}
