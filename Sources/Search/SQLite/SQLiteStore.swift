public import Foundation
internal import GRDB
import Synchronization
import ZooHamming
public import ZooItems

/// An index in a folder of this machine: items, pictures and codes in SQLite, and what searching needs in memory.
///
/// A search reads memory alone. A write is committed and flushed to the disk, then done in memory, then returns; writes
/// that wait for one another are flushed together. One process has an index open at a time.
public final class SQLiteStore: ItemStore {
  let file: IndexFile
  let pool: DatabasePool
  /// Reads what a search found, on the search's own thread: handing that to the pool's threads and back takes longer than
  /// reading does. Nothing else is read here, so that nobody waits for what takes long.
  let found: DatabaseQueue
  let resident: Resident
  let queue: WriteQueue
  private let lock: Mutex<FolderLock?>

  private init(_ file: IndexFile, _ lock: FolderLock, threads: Int) async throws {
    self.file = file
    self.lock = Mutex(lock)
    pool = try file.open()
    found = try file.openForReading()
    resident = Resident(try await pool.read { try Memory(reading: $0, threads: threads) })
    queue = WriteQueue(pool, resident)
  }

  // MARK: Opening and closing

  /// Makes an index and opens it.
  ///
  /// - Parameters:
  ///   - folder: is made where there is none.
  ///   - settings: the store takes codes of the active version, and of the next one if there is one.
  ///   - threads: that one search may use, the caller's among them.
  /// - Throws: ``SearchError``: `alreadyExists` where the folder has an index; `invalid`; `failedPrecondition` where the
  ///   folder may not be made; `unavailable` where it cannot be written.
  public static func create(at folder: URL, settings: IndexSettings, threads: Int) async throws -> SQLiteStore {
    let file = IndexFile(folder: folder)
    return try await file.reporting {
      let settings = try settings.checked()
      try file.makeFolder()
      let lock = try FolderLock(folder)
      guard !file.exists else {
        throw SearchError(
          .alreadyExists, "\(folder.path(percentEncoded: false)) has an index: open it, or name another folder")
      }
      try file.create(settings)
      return try await SQLiteStore(file, lock, threads: threads)
    }
  }

  /// Opens an index and reads its codes into memory.
  ///
  /// - Parameter threads: that one search may use, the caller's among them.
  /// - Throws: ``SearchError``: `notFound`; `failedPrecondition` where it is open elsewhere, of a newer program or of
  ///   another one; `dataLoss` where it is damaged.
  public static func open(at folder: URL, threads: Int) async throws -> SQLiteStore {
    let file = IndexFile(folder: folder)
    return try await file.reporting {
      guard file.exists else {
        throw SearchError(.notFound, "\(folder.path(percentEncoded: false)) has no index: create it")
      }
      return try await SQLiteStore(file, try FolderLock(folder), threads: threads)
    }
  }

  /// Waits for the writes that have begun. What is called afterwards fails with `unavailable`.
  public func close() async {
    try? await queue.alone { [self] in
      resident.end(SearchError(.unavailable, "the index is closed: open it again"))
      guard let lock = lock.withLock({ $0.take() }) else { return }
      // So that the database is whole without its log. Where it fails, the log is read when it is opened.
      _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      // The pool last: who writes cleans up.
      try? found.close()
      try? pool.close()
      withExtendedLifetime(lock) {}
    }
  }
}
