import Foundation
import ZooItems
import ZooSQLiteStore

struct SQLiteUnderTest: StoreUnderTest {
  let name = "SQLite"

  func reasonToSkip() -> String? { nil }

  func make(_ settings: IndexSettings) async throws -> any IndexUnderTest {
    let folder = temporaryFolder()
    return Index(
      folder: folder, store: try await SQLiteStore.create(at: folder, settings: settings, threads: 2))
  }

  private struct Index: IndexUnderTest {
    let folder: URL
    let store: any ItemStore

    func reopened() async throws -> any IndexUnderTest {
      await store.close()
      return Index(folder: folder, store: try await SQLiteStore.open(at: folder, threads: 2))
    }

    func drop() async throws {
      await store.close()
      try FileManager.default.removeItem(at: folder)
    }
  }
}

/// A name for a folder that is not there yet.
func temporaryFolder() -> URL {
  FileManager.default.temporaryDirectory.appending(path: "zoo-store-\(UUID().uuidString)", directoryHint: .isDirectory)
}
