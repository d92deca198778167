import Foundation
import ZooProtocol

/// Reading and writing files, with errors that name them.
enum Files {
  static func isFolder(_ url: URL) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path(percentEncoded: false), isDirectory: &isFolder)
      && isFolder.boolValue
  }

  static func read(_ url: URL) throws -> Data {
    do {
      return try Data(contentsOf: url)
    } catch {
      throw ZooError(.notFound, "\(url.relativePath) cannot be read: is it there?", cause: error)
    }
  }

  /// Writes a file whole or not at all, in a folder that is made where it is missing.
  static func write(_ data: Data, to url: URL) throws {
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: url, options: .atomic)
    } catch {
      throw ZooError(
        .failedPrecondition, "\(url.relativePath) cannot be written: is there room, and may you?",
        cause: error)
    }
  }
}

extension Collection where Self: Sendable, Element: Sendable {
  /// What `body` makes of every element, in their order, with at most so many running at once.
  func concurrently<Result: Sendable>(
    atMost limit: Int, _ body: @escaping @Sendable (Element) async throws -> Result
  ) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
      var results: [Result?] = Array(repeating: nil, count: count)
      var next = enumerated().makeIterator()
      func start() {
        guard let (index, element) = next.next() else { return }
        group.addTask { (index, try await body(element)) }
      }
      for _ in 0..<limit { start() }
      while let (index, result) = try await group.next() {
        results[index] = result
        start()
      }
      return results.compactMap { $0 }
    }
  }
}
