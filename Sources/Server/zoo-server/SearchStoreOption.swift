import ArgumentParser
import Foundation
import ZooItems
import ZooPostgresStore
import ZooProtocol

/// `--search-store NAME=FILE`
struct SearchStoreOption: ExpressibleByArgument {
  let name: String
  let file: String

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, ModelName.isValid(parts[0]), parts[0] != "embedded", !parts[1].isEmpty else { return nil }
    (name, file) = (parts[0], parts[1])
  }

  /// Reads the connection string, which has a password in it more often than not.
  func provider() throws -> any StoreProvider {
    guard let text = try? String(contentsOf: URL(filePath: file), encoding: .utf8) else {
      throw ValidationError("--search-store \(name): \(file) cannot be read")
    }
    let connection = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !connection.isEmpty else {
      throw ValidationError("--search-store \(name): \(file) is empty: put a connection string into it")
    }
    return PostgresStores(name: name, connection: connection)
  }
}
