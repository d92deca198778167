import Foundation
import Testing
import ZooHamming
import ZooItems

@testable import ZooSQLiteStore

@Suite("SQLite: rebuilding")
struct SQLiteRebuildTests {
  private func withStore(_ body: (SQLiteStore, HammingIndex) async throws -> Void) async throws {
    let folder = temporaryFolder()
    let store = try await SQLiteStore.create(at: folder, settings: .testing(), threads: 1)
    _ = try await store.put((0..<50).map { .testing("\($0)", code: UInt64($0), category: "\($0 % 3)") })
    try await body(store, try #require(try store.resident.memory().indexes[1]))
    await store.close()
    try FileManager.default.removeItem(at: folder)
  }

  @Test("an item that memory had lost is named as damage, and is found afterwards")
  func lost() async throws {
    try await withStore { store, index in
      #expect(index.remove([HammingEntry(number: 8, partition: 1, label: 0, code: code(7))]) == 1)
      #expect(try await store.ids().count == 49)
      await expectError(.dataLoss, "1 items could not be found and 0 that are not stored could") {
        try await store.rebuild()
      }
      #expect(try await store.ids(nearest: 7, k: 1) == ["7"])
      try await store.rebuild()
    }
  }

  @Test("a code that memory has and the database has not is named as damage, and is gone afterwards")
  func added() async throws {
    try await withStore { store, index in
      try index.insert([HammingEntry(number: 8, partition: 2, label: 0, code: code(99))])
      await expectError(.dataLoss, "0 items could not be found and 1 that are not stored could") {
        try await store.rebuild()
      }
      #expect(try await store.ids(nearest: 99).count == 50)
      try await store.rebuild()
    }
  }

  @Test("rebuilding makes the file smaller after much was removed, and answers stay the same")
  func smaller() async throws {
    try await withStore { store, _ in
      for batch in 0..<10 {
        _ = try await store.put(
          (0..<200).map { number in
            var item = NewItem.testing("\(batch) \(number)", code: UInt64(number * 77))
            item.picture.data = [UInt8](repeating: 1, count: 2000)
            return item
          })
      }
      for batch in 0..<9 { _ = try await store.remove((0..<200).map { "\(batch) \($0)" }) }
      let before = try await store.statistics()
      let ids = try await store.ids(nearest: 5000, k: 1000)
      try await store.rebuild()
      let after = try await store.statistics()
      #expect(after.diskBytes < before.diskBytes / 3)
      #expect(after.items == before.items && after.categories == before.categories)
      #expect(try await store.ids(nearest: 5000, k: 1000) == ids)
    }
  }
}
