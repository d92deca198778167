import Foundation
import GRDB
import Testing
import ZooItems

@testable import ZooSQLiteStore

@Suite("SQLite: what does not fit")
struct SQLiteFullDiskTests {
  @Test("a write for which there is no room leaves memory and disk as they were, and the next may fit")
  func full() async throws {
    let folder = temporaryFolder()
    let store = try await SQLiteStore.create(at: folder, settings: .testing(), threads: 1)
    try await store.pool.writeWithoutTransaction { database in
      let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
      try database.execute(sql: "PRAGMA max_page_count = \(pages + 100)")
    }
    var model = ReferenceModel(.testing())
    var failures = 0
    for batch in 0..<60 {
      let items = (0..<8).map { number in
        var item = NewItem.testing("\(batch) \(number)", code: UInt64(number), category: "\(batch)")
        item.picture.data = [UInt8](repeating: 1, count: 1000)
        return item
      }
      do {
        _ = try await store.put(items)
        _ = model.put(items)
      } catch let error as SearchError {
        failures += 1
        #expect(error.code == .unavailable && error.message.contains("no room"))
      }
      try await expectEqual(store, model)
    }
    #expect(failures > 5 && failures < 60)
    // Removing makes room.
    let ids = model.itemsInOrder.map(\.id)
    #expect(try await store.remove(ids) == model.remove(ids))
    let item = NewItem.testing("fits", category: "new")
    _ = try await store.put([item])
    #expect(try await store.ids() == ["fits"])
    #expect(try await store.statistics().categories == ["new": 1])
    try await store.rebuild()
    await store.close()
    try FileManager.default.removeItem(at: folder)
  }

  @Test("where a group does not fit, those of it that do are stored")
  func fullForSome() async throws {
    let folder = temporaryFolder()
    let store = try await SQLiteStore.create(at: folder, settings: .testing(), threads: 1)
    try await store.pool.writeWithoutTransaction { database in
      let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
      try database.execute(sql: "PRAGMA max_page_count = \(pages + 60)")
    }
    let stored = await withTaskGroup(of: String?.self) { group in
      for number in 0..<40 {
        group.addTask {
          var item = NewItem.testing("\(number)")
          item.picture.data = [UInt8](repeating: 1, count: number % 2 == 0 ? 10 : 1_000_000)
          do {
            _ = try await store.put([item])
            return item.id
          } catch {
            return nil
          }
        }
      }
      return await group.reduce(into: Set<String>()) { if let id = $1 { $0.insert(id) } }
    }
    #expect(stored == Set(stride(from: 0, to: 40, by: 2).map { "\($0)" }))
    #expect(Set(try await store.ids()) == stored)
    #expect(Set(try await store.items(after: 0, limit: 100).map(\.id)) == stored)
    await store.close()
    try FileManager.default.removeItem(at: folder)
  }

  private func expectEqual(_ store: SQLiteStore, _ model: ReferenceModel) async throws {
    #expect(try await store.items(after: 0, limit: 1000) == model.itemsInOrder)
    let query = NearestQuery(code: code(0), version: 1, k: 1000)
    #expect(try await store.nearest(query).matches == model.nearest(query))
  }

  @Test("when all numbers are given out an item is refused, and the rest goes on")
  func numbers() async throws {
    let folder = temporaryFolder()
    let first = try await SQLiteStore.create(at: folder, settings: .testing(), threads: 1)
    _ = try await first.put([.testing("first")])
    await first.close()
    let database = try DatabaseQueue(path: folder.appending(path: "index.sqlite").path(percentEncoded: false))
    try await database.write { try $0.execute(sql: "UPDATE state SET next_number = \(UInt32.max)") }
    try database.close()
    let store = try await SQLiteStore.open(at: folder, threads: 1)
    await expectError(.failedPrecondition, "4294967295 numbers") {
      _ = try await store.put([.testing("a"), .testing("b")])
    }
    #expect(try await store.put([.testing("last")])[0].number == .max)
    await expectError(.failedPrecondition, "4294967295 numbers") { _ = try await store.put([.testing("b")]) }
    #expect(try await store.ids() == ["first", "last"])
    #expect(try await store.remove(["first"]) == [true])
    await store.close()
    try FileManager.default.removeItem(at: folder)
  }
}
