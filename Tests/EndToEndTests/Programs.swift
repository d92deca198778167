import Foundation
import Glibc
import Synchronization
import ZooClient
import ZooEventually
import ZooProtocol
import ZooTinyModels

/// The programs as people run them.
enum Programs {
  static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    .standardizedFileURL

  /// Where the programs were built: beside the tests.
  private static let folder: URL = {
    let arguments = CommandLine.arguments
    let bundle = arguments.firstIndex(of: "--test-bundle-path").map { arguments[$0 + 1] } ?? arguments[0]
    return URL(filePath: bundle).deletingLastPathComponent()
  }()

  struct Result: Sendable {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Runs a program to its end.
  /// - Parameter output: a file to write to, which is not read then.
  static func run(
    _ program: URL, _ arguments: [String], environment: [String: String] = [:], into output: String? = nil
  ) async throws -> Result {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let scratch = try TemporaryFolder()
    let files = try ["out", "err"].map { name in
      let file = scratch.url.appending(path: name)
      try Data().write(to: file)
      return (file, try FileHandle(forWritingTo: file))
    }
    process.standardOutput = try output.map { try FileHandle(forWritingTo: URL(filePath: $0)) } ?? files[0].1
    process.standardError = files[1].1
    process.standardInput = FileHandle.nullDevice
    let status = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do { try process.run() } catch { return continuation.resume(throwing: error) }
        if Task.isCancelled { Glibc.kill(process.processIdentifier, SIGKILL) }
      }
    } onCancel: {
      // The test's time is over.
      if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
    }
    return Result(
      status: status, output: try String(contentsOf: files[0].0, encoding: .utf8),
      errors: try String(contentsOf: files[1].0, encoding: .utf8))
  }

  static func zoo(_ arguments: String..., server: ServerAddress, into output: String? = nil) async throws -> Result {
    try await zoo(arguments, server: server, into: output)
  }

  static func zoo(_ arguments: [String], server: ServerAddress, into output: String? = nil) async throws -> Result {
    try await run(
      folder.appending(path: "zoo"), arguments,
      environment: ["ZOO_SERVER": server.description, "ZOO_TOKEN": ServerProcess.token, "NO_COLOR": "1"], into: output)
  }

  static func zooServer(_ arguments: String...) async throws -> Result { try await zooServer(arguments) }

  static func zooServer(_ arguments: [String], environment: [String: String] = [:]) async throws -> Result {
    try await run(folder.appending(path: "zoo-server"), arguments, environment: environment)
  }

  /// A zoo-server of its own process, so that it can be killed.
  final class ServerProcess: Sendable {
    static let token = "administrators"

    let address: ServerAddress
    let addressFile: URL
    private let logFile: URL
    private let identifier: Int32
    private let ended = Mutex<Int32?>(nil)
    private let scratch: TemporaryFolder

    /// - Parameters:
    ///   - indexes: where the indexes are kept; a folder of the server's own unless it is given.
    ///   - more: further arguments.
    ///   - environment: further variables.
    init(
      models: URL, indexes: URL? = nil, _ more: [String] = [], environment: [String: String] = [:]
    ) async throws {
      let process = Process()
      process.executableURL = Programs.folder.appending(path: "zoo-server")
      scratch = try TemporaryFolder()
      let addressFile = scratch.url.appending(path: "address")
      let logFile = scratch.url.appending(path: "log")
      (self.addressFile, self.logFile) = (addressFile, logFile)
      try Data().write(to: logFile)
      process.arguments =
        [
          "serve", "--models", models.path(percentEncoded: false), "--listen", "127.0.0.1:0", "--address-file",
          addressFile.path(percentEncoded: false), "--indexes",
          (indexes ?? scratch.url.appending(path: "indexes")).path(percentEncoded: false),
        ] + more
      process.environment = ProcessInfo.processInfo.environment.merging(["ZOO_ADMIN_TOKEN": Self.token]) { $1 }
        .merging(environment) { $1 }
      let log = try FileHandle(forWritingTo: logFile)
      process.standardOutput = log
      process.standardError = log
      process.standardInput = FileHandle.nullDevice
      try process.run()
      identifier = process.processIdentifier
      var address: ServerAddress?
      do {
        try await eventually("the server listens") {
          guard process.isRunning else {
            throw ZooError(.internal, "the server ended: \((try? String(contentsOf: logFile, encoding: .utf8)) ?? "")")
          }
          address = (try? String(contentsOf: addressFile, encoding: .utf8)).flatMap {
            ServerAddress($0.trimmingCharacters(in: .whitespacesAndNewlines))
          }
          return address != nil
        }
      } catch {
        // There is no object yet whose end would be the server's.
        Glibc.kill(identifier, SIGKILL)
        throw error
      }
      self.address = address!
      process.terminationHandler = { [weak self] process in
        self?.ended.withLock { $0 = process.terminationStatus }
      }
    }

    /// What it has said.
    var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

    func signal(_ number: Int32) { Glibc.kill(identifier, number) }

    func waitForEnd() async throws -> Int32 {
      try await eventually("the server ends") { ended.withLock { $0 != nil } }
      return ended.withLock { $0! }
    }

    deinit { Glibc.kill(identifier, SIGKILL) }
  }
}
