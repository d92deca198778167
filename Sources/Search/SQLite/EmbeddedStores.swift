public import Foundation
public import ZooItems

/// Indexes on the server's own disk: a folder each, below one folder.
public struct EmbeddedStores: StoreProvider {
  public let name = "embedded"

  private let folder: URL
  private let threads: Int

  /// - Parameters:
  ///   - folder: made when the first index is created.
  ///   - threads: that one search may use.
  public init(folder: URL, threads: Int) {
    self.folder = folder
    self.threads = threads
  }

  public func indexes() throws -> [String] {
    guard FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
        .filter { !$0.hasPrefix(".") && IndexFile(folder: place(of: $0)).exists }.sorted()
    } catch {
      throw SearchError(
        .unavailable, "the folder of the indexes cannot be read: may the server read it?", cause: error)
    }
  }

  public func create(_ settings: IndexSettings) async throws -> any ItemStore {
    try await SQLiteStore.create(at: place(of: settings.name), settings: settings, threads: threads)
  }

  public func open(_ index: String) async throws -> any ItemStore {
    try await SQLiteStore.open(at: place(of: index), threads: threads)
  }

  /// Renames the folder first, so that what a kill leaves behind is no index any more.
  public func drop(_ index: String) throws {
    let doomed = folder.appending(path: ".dropped-\(UUID().uuidString)", directoryHint: .isDirectory)
    do {
      try FileManager.default.moveItem(at: place(of: index), to: doomed)
      try FileManager.default.removeItem(at: doomed)
    } catch {
      throw SearchError(
        .unavailable, "the files of the index \(index) cannot be removed: may the server write there?", cause: error)
    }
  }

  private func place(of index: String) -> URL { folder.appending(path: index, directoryHint: .isDirectory) }
}
