internal import Foundation
internal import GRDB
import Glibc
import ZooItems

/// The folder of an index: `index.sqlite` with its write-ahead log, and a lock.
struct IndexFile: Sendable {
  /// "zooi", as SQLite keeps it in its header.
  static let application: Int32 = 0x7A6F_6F69

  let folder: URL
  var path: String { file("index.sqlite") }

  private func file(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

  var exists: Bool { access(path, F_OK) == 0 }

  /// Of the database and its log.
  var diskBytes: Int {
    ["", "-wal", "-shm"].reduce(0) { sum, suffix in
      var status = stat()
      return stat(path + suffix, &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
    }
  }

  // MARK: Creating

  func makeFolder() throws(SearchError) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      let reason = (error as? CocoaError)?.userInfo[NSUnderlyingErrorKey] as? POSIXError
      let text = reason.map { String(cString: strerror($0.code.rawValue)) } ?? error.localizedDescription
      // A full disk may pass, what the server may not do stays so.
      let isRefused = reason.map { [.EROFS, .EACCES, .EPERM, .ENOTDIR, .EEXIST].contains($0.code) } ?? false
      throw SearchError(
        isRefused ? .failedPrecondition : .unavailable,
        "\(folder.path(percentEncoded: false)) cannot be made (\(text)): see to its permissions",
        cause: error)
    }
  }

  /// Makes the database under another name and renames it when it is whole.
  func create(_ settings: IndexSettings) throws {
    let draft = file("index.sqlite.new")
    for suffix in ["", "-journal"] where unlink(draft + suffix) != 0 && errno != ENOENT {
      throw failure("\(draft + suffix) cannot be removed")
    }
    let queue = try DatabaseQueue(path: draft, configuration: Self.configuration)
    try Schema.migrator.migrate(queue)
    try queue.write { database in
      try database.execute(
        sql: "INSERT INTO state (id, settings, next_number) VALUES (1, ?, 1)", arguments: [try settings.json()])
      for hasher in [settings.active, settings.next].compactMap({ $0 }) {
        try Schema.addVersion(hasher.version, bits: hasher.bits, in: database)
      }
    }
    try queue.close()
    try sync(draft)
    guard rename(draft, path) == 0 else { throw failure("\(draft) cannot be renamed") }
    try sync(folder.path(percentEncoded: false))
  }

  private func sync(_ path: String) throws(SearchError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("\(path) cannot be opened") }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("\(path) cannot be written to disk") }
  }

  private func failure(_ what: String) -> SearchError {
    SearchError(.unavailable, "\(what): \(String(cString: strerror(errno)))")
  }

  // MARK: Opening

  func open() throws -> DatabasePool {
    try checkHeader()
    let pool = try DatabasePool(path: path, configuration: Self.configuration)
    let version = try pool.writeWithoutTransaction { database in
      // A pool's own choice is NORMAL, by which the last transactions go with the power.
      try database.execute(sql: "PRAGMA synchronous = FULL")
      return try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }
    guard version <= Schema.version else {
      throw SearchError(
        .failedPrecondition,
        "\(path) has format \(version) and this program knows up to \(Schema.version): use the newer program that "
          + "wrote it")
    }
    try Schema.migrator.migrate(pool)
    return pool
  }

  /// One more connection to a database that a pool has open.
  func openForReading() throws -> DatabaseQueue {
    var configuration = Self.configuration
    configuration.readonly = true
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  /// What is not a database of ours is not touched.
  private func checkHeader() throws(SearchError) {
    let header = FileManager.default.contents(atPath: path, first: 100)
    guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
      throw SearchError(
        .dataLoss, "\(path) is damaged, or no index: restore it from a copy, or create the index anew")
    }
    let application = header[68..<72].reduce(0) { $0 << 8 | UInt32($1) }
    guard application == UInt32(bitPattern: Self.application) else {
      throw SearchError(.failedPrecondition, "\(path) is a database of another program: name the folder of an index")
    }
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "index"
    configuration.maximumReaderCount = 4
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      // In KiB. Of each connection.
      try database.execute(sql: "PRAGMA cache_size = -16384")
      try database.execute(sql: "PRAGMA secure_delete = OFF")
    }
    return configuration
  }
}

extension FileManager {
  /// The first bytes of a file, fewer where it is shorter or cannot be read.
  fileprivate func contents(atPath path: String, first count: Int) -> [UInt8] {
    guard let handle = FileHandle(forReadingAtPath: path) else { return [] }
    defer { try? handle.close() }
    return [UInt8]((try? handle.read(upToCount: count)) ?? Data())
  }
}
