import Foundation
import ZooItems
import ZooPostgresStore

/// Servers on this machine, brought up by tools/deploy/postgres. They go down when they are told to, and at the latest when
/// this process ends.
final class PostgresCluster: Sendable {
  struct ToolError: Error, CustomStringConvertible {
    let description: String
  }

  private static let tool: URL = {
    var folder = URL(filePath: #filePath).resolvingSymlinksInPath()
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    return folder.appending(path: "tools/deploy/postgres")
  }()

  /// Why there can be no servers on this machine; nil where there can.
  static let reasonToSkip: String? = {
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
    guard let version = versions.compactMap(Int.init).max() else {
      return "PostgreSQL is not installed: apt-get install postgresql-15 postgresql-15-plproxy"
    }
    guard FileManager.default.fileExists(atPath: "/usr/lib/postgresql/\(version)/lib/plproxy.so") else {
      return "PL/Proxy is not installed: apt-get install postgresql-\(version)-plproxy"
    }
    return nil
  }()

  let connection: String
  private let folder: String

  /// - Parameter shards: each with a standby.
  init(shards: Int = 2) async throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "zoo-pg-\(UInt32.random(in: 0 ... .max))")
      .path(percentEncoded: false)
    connection = try await Self.run([
      "up", "--folder", folder, "--shards", "\(shards)", "--no-sync", "--watch", "\(getpid())",
    ])
  }

  /// `kill`, `promote` or `standby` of a node: `shard0`, `coordinator`.
  func run(_ command: String, _ node: String) async throws {
    _ = try await Self.run([command, node, "--folder", folder])
  }

  func down() async throws { _ = try await Self.run(["down", "--folder", folder]) }

  /// - Returns: what it printed, without the last line end.
  private static func run(_ arguments: [String]) async throws -> String {
    let output = FileManager.default.temporaryDirectory.appending(path: "zoo-pg-\(UUID().uuidString).txt")
    _ = FileManager.default.createFile(atPath: output.path(percentEncoded: false), contents: nil)
    defer { try? FileManager.default.removeItem(at: output) }
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in continuation.resume() }
      do {
        try process.run()
      } catch {
        continuation.resume(throwing: error)
      }
    }
    guard process.terminationStatus == 0 else {
      throw ToolError(
        description: "tools/deploy/postgres \(arguments.joined(separator: " ")) failed: it says why above")
    }
    return try String(contentsOf: output, encoding: .utf8).trimmingCharacters(in: .newlines)
  }
}
