import Foundation
import GRDB
import Testing
import ZooItems

@testable import ZooSQLiteStore

@Suite("SQLite: opening and creating")
struct SQLiteOpeningTests {
  private let folder = temporaryFolder()

  private func create() async throws -> SQLiteStore {
    try await SQLiteStore.create(at: folder, settings: .testing(), threads: 1)
  }

  private func open() async throws -> SQLiteStore { try await SQLiteStore.open(at: folder, threads: 1) }

  private var database: URL { folder.appending(path: "index.sqlite") }

  /// An index with some items, closed.
  private func createClosed() async throws {
    let store = try await create()
    _ = try await store.put((0..<200).map { .testing("\($0)", code: UInt64($0), attributes: ["colour": "\($0 % 9)"]) })
    await store.close()
  }

  private func change(_ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: database.path(percentEncoded: false), configuration: configuration)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  @Test("a folder has one index, which one process has open")
  func exclusive() async throws {
    await expectError(.notFound, "create") { _ = try await open() }
    let store = try await create()
    await expectError(.failedPrecondition, "open already") { _ = try await open() }
    await expectError(.failedPrecondition, "open already") { _ = try await create() }
    await store.close()
    await expectError(.alreadyExists, "another folder") { _ = try await create() }
    try await open().close()
  }

  @Test("a folder that cannot be made is said, with the reason")
  func noFolder() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data().write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    await expectError(.failedPrecondition, "Not a directory") {
      _ = try await SQLiteStore.create(at: file.appending(path: "index"), settings: .testing(), threads: 1)
    }
  }

  @Test("settings out of range make no index")
  func badSettings() async throws {
    await expectError(.invalid, "settings.active.bits is 40000") {
      _ = try await SQLiteStore.create(at: folder, settings: .testing(bits: 40_000), threads: 1)
    }
    await expectError(.notFound) { _ = try await open() }
  }

  @Test("what a creation that was cut off left behind is in nobody's way")
  func interrupted() async throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data("half".utf8).write(to: folder.appending(path: "index.sqlite.new"))
    await expectError(.notFound) { _ = try await open() }
    try await create().close()
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "index.sqlite.new").path))
  }

  @Test("the database of an index that was closed is whole without its log")
  func log() async throws {
    try await createClosed()
    let contents = try await contents()
    for suffix in ["-wal", "-shm"] {
      try? FileManager.default.removeItem(at: folder.appending(path: "index.sqlite\(suffix)"))
    }
    let alone = try await self.contents()
    #expect(alone.items.count == 200 && alone.items == contents.items && alone.ids == contents.ids)
  }

  @Test("transactions are flushed to the disk, and references are checked")
  func durability() async throws {
    let store = try await create()
    let pragmas = try await store.pool.writeWithoutTransaction { database in
      try ["synchronous", "journal_mode", "foreign_keys"].map {
        try String.fetchOne(database, sql: "PRAGMA \($0)") ?? ""
      }
    }
    #expect(pragmas == ["2", "wal", "1"])
    await store.close()
  }

  @Test("a database of a newer program, or of another one, is left alone")
  func foreign() async throws {
    try await createClosed()
    try change("PRAGMA user_version = 99")
    await expectError(.failedPrecondition, "format 99", "newer program") { _ = try await open() }
    try change("PRAGMA user_version = 1; PRAGMA application_id = 7")
    let before = try Data(contentsOf: database)
    await expectError(.failedPrecondition, "another program") { _ = try await open() }
    #expect(try Data(contentsOf: database) == before)
  }

  @Test("in an index of format 1 nothing goes by predictions, until it is put again")
  func format1() async throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let queue = try DatabaseQueue(path: database.path(percentEncoded: false))
    try Schema.migrator.migrate(queue, upTo: "1")
    try await queue.write { database in
      try database.execute(
        sql: "INSERT INTO state (id, settings, next_number) VALUES (1, ?, 2)",
        arguments: [try IndexSettings.testing().json()])
      try database.execute(
        sql: """
          INSERT INTO versions VALUES (1, 64);
          CREATE TABLE codes_1 (picture INTEGER PRIMARY KEY REFERENCES pictures ON DELETE CASCADE, code BLOB NOT NULL) STRICT;
          INSERT INTO categories VALUES (0, 'Bags');
          INSERT INTO terms VALUES (0, 'colour', 'red');
          INSERT INTO labels VALUES (0, 0, x'00000000');
          """)
      try database.execute(
        sql: "INSERT INTO pictures VALUES (1, ?, '{\"attributes\":{\"colour\":\"red\"},\"category\":\"Bags\"}', 1)",
        arguments: [Data(ContentHash.testing(1).bytes)])
      try database.execute(
        sql: """
          INSERT INTO picture_data VALUES (1, x'01');
          INSERT INTO codes_1 VALUES (1, zeroblob(8));
          INSERT INTO items VALUES (1, 'a', 0, 1, '');
          """)
    }
    try queue.close()

    let store = try await open()
    let old = Item(
      number: 1, id: "a", category: "Bags", attributes: ["colour": "red"], link: "", picture: .testing(1))
    #expect(try await store.items(after: 0, limit: 9) == [old])
    #expect(
      try await store.picture(.testing(1))
        == StoredPicture(hash: .testing(1), codes: [1: code(0)], predictions: [:], hasData: true))
    try await store.addVersion(2, bits: 64)
    let hats = Prediction(category: "Hats")
    try await store.setCodes([PictureCode(picture: .testing(1), code: code(0), prediction: hats)], of: 2)
    var new = NewItem.testing("b", attributes: ["colour": "red"], picture: 1)
    new.picture.predictions = [1: Prediction(category: "Bags")]
    new.predicted = PredictedFields(category: true)
    _ = try await store.put([new])
    var settings = IndexSettings.testing()
    settings.active.version = 2
    try await store.save(settings)
    #expect(try await store.items(after: 0, limit: 9).map(\.category) == ["Bags", "Hats"])
    #expect(try await store.items(ids: ["a"]) == [old])
    #expect(try await store.picture(.testing(1))?.predictions == [1: Prediction(category: "Bags"), 2: hats])
    try await store.rebuild()
    await store.close()
    try await open().close()
  }

  @Test("a file that is no database is damage")
  func noDatabase() async throws {
    try await createClosed()
    for bytes in [Data(), Data("SQLite".utf8), Data(repeating: 7, count: 5000)] {
      try bytes.write(to: database)
      await expectError(.dataLoss, "restore it from a copy") { _ = try await open() }
    }
  }

  @Test("a file that was cut off is damage")
  func cutOff() async throws {
    try await createClosed()
    let whole = try Data(contentsOf: database)
    for size in [200, 4096, whole.count / 2] {
      try whole.prefix(size).write(to: database)
      await expectError(.dataLoss, "damaged") { _ = try await open() }
    }
    try whole.write(to: database)
    try await open().close()
  }

  @Test("pages that were overwritten are never taken for what was stored")
  func overwritten() async throws {
    try await createClosed()
    let whole = try Data(contentsOf: database)
    let reference = try await contents()
    var found = 0
    for page in 1..<whole.count / 4096 {
      var damaged = whole
      damaged.replaceSubrange(page * 4096..<(page + 1) * 4096, with: Data(repeating: 0xA5, count: 4096))
      try damaged.write(to: database)
      do {
        let store = try await open()
        do {
          try await store.rebuild()
          // A page that nothing uses.
          #expect(try await store.items(after: 0, limit: 1000) == reference.items)
          #expect(try await store.ids() == reference.ids)
        } catch let error as SearchError {
          #expect(error.code == .dataLoss)
          found += 1
        }
        await store.close()
      } catch let error as SearchError {
        #expect(error.code == .dataLoss, "\(error)")
        found += 1
      }
    }
    #expect(found > whole.count / 4096 / 2)
  }

  private func contents() async throws -> (items: [Item], ids: [String]) {
    let store = try await open()
    let contents = (try await store.items(after: 0, limit: 1000), try await store.ids())
    await store.close()
    return contents
  }

  static let damage = [
    "DELETE FROM state", "UPDATE state SET settings = '{'", "UPDATE codes_1 SET code = x'00' WHERE picture = 5",
    "UPDATE labels SET number = 100 WHERE number = 3", "UPDATE labels SET terms = x'FF000000' WHERE number = 3",
    "DELETE FROM categories", "DROP TABLE codes_1", "UPDATE terms SET number = 77 WHERE number = 8",
  ]

  @Test("rows that do not belong together are damage", arguments: damage)
  func rows(_ sql: String) async throws {
    try await createClosed()
    try change(sql)
    await expectError(.dataLoss) { _ = try await open() }
  }
}
