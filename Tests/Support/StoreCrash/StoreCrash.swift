import Foundation
import Glibc
import ZooItems
import ZooSQLiteStore

/// Writes to an index until it is killed, and says of each write that it returned. Tests kill it.
///
///     zoo-store-crash FOLDER SCRIPT
///
/// Each line of the script is a write, `WRITER put ID CATEGORY COLOUR HASH`, `WRITER remove ID` or `WRITER activate
/// VERSION`, with tabs between. The lines of one writer are done one after another, the writers at the same time. A
/// picture's code is the first bytes of its hash. The number of each line goes to the standard output when it is done.
@main
struct StoreCrash {
  struct Line: Sendable {
    var number: Int
    var words: [String]
  }

  static func main() async throws {
    let arguments = CommandLine.arguments
    let store = try await SQLiteStore.open(at: URL(filePath: arguments[1]), threads: 1)
    let script = try String(contentsOfFile: arguments[2], encoding: .utf8)
    let lines = script.split(separator: "\n").enumerated().map { number, line in
      Line(number: number, words: line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init))
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in Dictionary(grouping: lines, by: { $0.words[0] }).values {
        group.addTask {
          for line in writer {
            try await write(line.words, to: store)
            say("\(line.number)\n")
          }
        }
      }
      try await group.waitForAll()
    }
    await store.close()
  }

  private static func write(_ words: [String], to store: SQLiteStore) async throws {
    if words[1] == "activate" {
      var settings = try await store.settings()
      settings.active.version = UInt32(words[2]) ?? 0
      return try await store.save(settings)
    }
    guard words[1] == "put" else {
      _ = try await store.remove([words[2]])
      return
    }
    let digits = Array(words[5])
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap { place in
      UInt8(String(digits[place...place + 1]), radix: 16)
    }
    guard let hash = ContentHash(bytes) else { throw SearchError(.invalid, "\(words[5]) is no hash") }
    _ = try await store.put([
      NewItem(
        id: words[2], category: words[3], attributes: ["colour": words[4]], link: "",
        picture: NewPicture(hash: hash, codes: [1: Array(bytes.prefix(8))], data: bytes))
    ])
  }

  /// Unbuffered: what has been said stays said.
  private static func say(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
  }
}
