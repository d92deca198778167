import Dispatch
import Foundation
import Glibc
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

  /// Memory where there is enough of it: processes are killed here, not machines, and a test waits for no disk.
  private static let place: String = {
    let memory = "/dev/shm"
    var status = statvfs()
    let isLarge = statvfs(memory, &status) == 0 && status.f_bavail * status.f_frsize > 2 << 30
    return isLarge && access(memory, W_OK) == 0
      ? memory : FileManager.default.temporaryDirectory.path(percentEncoded: false)
  }()

  let connection: String
  private let folder: String

  /// - Parameter shards: each with a standby.
  init(shards: Int = 2) async throws {
    folder = "\(Self.place)/zoo-pg-\(UInt32.random(in: 0 ... .max))"
    connection = try await Self.run([
      "up", "--folder", folder, "--shards", "\(shards)", "--no-sync", "--watch", "\(getpid())",
    ])
  }

  /// `kill`, `promote` or `standby` of a node: `shard0`, `coordinator`.
  func run(_ command: String, _ node: String) async throws {
    _ = try await Self.run([command, node, "--folder", folder])
  }

  /// Runs tools/deploy/sql on the primaries.
  func upgrade() async throws { _ = try await Self.run(["upgrade", "--folder", folder]) }

  func down() async throws { _ = try await Self.run(["down", "--folder", folder]) }

  /// - Returns: what it printed, without the last line end.
  private static func run(_ arguments: [String]) async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Result { try runAndWait(arguments) }) }
    }
  }

  private static func runAndWait(_ arguments: [String]) throws -> String {
    let output = FileManager.default.temporaryDirectory.appending(path: "zoo-pg-\(UUID().uuidString).txt")
    defer { try? FileManager.default.removeItem(at: output) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, STDOUT_FILENO, output.path(percentEncoded: false), O_WRONLY | O_CREAT | O_EXCL, 0o600)
    let command = [tool.path(percentEncoded: false)] + arguments
    let words = command.map { strdup($0) } + [nil]
    defer { words.forEach { free($0) } }
    var process = pid_t()
    guard posix_spawn(&process, command[0], &actions, nil, words, environ) == 0 else {
      throw ToolError(description: "\(command[0]) cannot be run")
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) == -1, errno == EINTR {}
    guard status == 0 else {
      throw ToolError(description: "\(command.joined(separator: " ")) failed: it says why above")
    }
    return try String(contentsOf: output, encoding: .utf8).trimmingCharacters(in: .newlines)
  }
}
