import Crypto
import Foundation
import ZooProtocol

/// Reading and writing files, with errors that name them.
enum Files {
  /// Where programs keep what they can make again.
  static var cacheFolder: URL {
    let environment = ProcessInfo.processInfo.environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    return environment.map { URL(filePath: $0, directoryHint: .isDirectory).appending(path: "zoo") }
      ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache/zoo")
  }

  static func isFolder(_ url: URL) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path(percentEncoded: false), isDirectory: &isFolder)
      && isFolder.boolValue
  }

  static func read(_ url: URL) throws -> Data {
    do {
      return try Data(contentsOf: url)
    } catch {
      let reason = isFolder(url) ? "is a folder: give a file" : "cannot be read: is it there?"
      throw ZooError(.notFound, "\(url.relativePath) \(reason)", cause: error)
    }
  }

  /// The lines of a text file that are not empty; of standard input where the name is `-`.
  static func lines(_ name: String) throws -> [String] {
    let data = name == "-" ? FileHandle.standardInput.readDataToEndOfFile() : try read(URL(filePath: name))
    return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).map {
      $0.trimmingCharacters(in: .whitespaces)
    }.filter { !$0.isEmpty }
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

extension Digest {
  var hexadecimal: String { map { String(format: "%02x", $0) }.joined() }
}

extension Array {
  /// Its elements in arrays of `size`, the last of which may be shorter.
  func inBatches(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
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
