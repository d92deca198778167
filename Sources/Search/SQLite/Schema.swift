internal import GRDB

/// The tables of an index.
enum Schema {
  /// Of the format, as `user_version` says it: grows with every migration.
  static let version = 2

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(sql: first)
      try database.execute(sql: "PRAGMA application_id = \(IndexFile.application)")
      try database.execute(sql: "PRAGMA user_version = 1")
    }
    // Nothing of it touches what refers to something else, which would take long to check in a large index.
    migrator.registerMigration("2", foreignKeyChecks: .immediate) { database in
      try database.execute(sql: second)
      for version in try UInt32.fetchAll(database, sql: "SELECT version FROM versions") {
        try addPredictions(of: version, in: database)
      }
      try database.execute(sql: "PRAGMA user_version = 2")
    }
    return migrator
  }

  /// Categories, terms (an attribute with a value) and labels (a category with terms, which items share) are numbered from 0
  /// without gaps: they are columns in memory. A label's terms are their numbers, rising, four bytes each, the least
  /// significant first.
  private static let first = """
    CREATE TABLE state (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      settings TEXT NOT NULL,
      next_number INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE versions (version INTEGER PRIMARY KEY, bits INTEGER NOT NULL) STRICT;
    CREATE TABLE categories (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE terms (
      number INTEGER PRIMARY KEY,
      attribute TEXT NOT NULL,
      value TEXT NOT NULL,
      UNIQUE (attribute, value)
    ) STRICT;
    CREATE TABLE labels (
      number INTEGER PRIMARY KEY,
      category INTEGER NOT NULL REFERENCES categories,
      terms BLOB NOT NULL,
      UNIQUE (category, terms)
    ) STRICT;
    CREATE TABLE pictures (
      number INTEGER PRIMARY KEY,
      hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
      prediction TEXT NOT NULL,
      has_data INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE picture_data (
      picture INTEGER PRIMARY KEY REFERENCES pictures ON DELETE CASCADE,
      data BLOB NOT NULL
    ) STRICT;
    CREATE TABLE items (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      label INTEGER NOT NULL REFERENCES labels,
      picture INTEGER NOT NULL REFERENCES pictures,
      link TEXT NOT NULL
    ) STRICT;
    CREATE INDEX items_picture ON items (picture);
    """

  /// An item's `predicted` is ``PredictedFields`` as JSON; null where nothing is, or where it is from before and nobody knows.
  /// Which version a picture's one prediction was of nobody knew either.
  private static let second = """
    ALTER TABLE items ADD COLUMN predicted TEXT;
    ALTER TABLE pictures DROP COLUMN prediction;
    """

  // MARK: Codes and predictions

  /// Each version of the hasher has a table of its own: it is read in one sweep and dropped at once.
  static func codes(of version: UInt32) -> String { "codes_\(version)" }
  /// Apart from the codes, so that these stay close together.
  static func predictions(of version: UInt32) -> String { "predictions_\(version)" }

  static func addVersion(_ version: UInt32, bits: Int, in database: Database) throws {
    try database.execute(sql: "INSERT INTO versions (version, bits) VALUES (?, ?)", arguments: [Int64(version), bits])
    try database.execute(
      sql: """
        CREATE TABLE \(codes(of: version)) (
          picture INTEGER PRIMARY KEY REFERENCES pictures ON DELETE CASCADE,
          code BLOB NOT NULL
        ) STRICT
        """)
    try addPredictions(of: version, in: database)
  }

  private static func addPredictions(of version: UInt32, in database: Database) throws {
    try database.execute(
      sql: """
        CREATE TABLE \(predictions(of: version)) (
          picture INTEGER PRIMARY KEY REFERENCES pictures ON DELETE CASCADE,
          prediction TEXT NOT NULL
        ) STRICT
        """)
  }

  static func removeVersion(_ version: UInt32, in database: Database) throws {
    try database.execute(sql: "DELETE FROM versions WHERE version = ?", arguments: [Int64(version)])
    try database.execute(sql: "DROP TABLE \(codes(of: version))")
    try database.execute(sql: "DROP TABLE \(predictions(of: version))")
  }
}
