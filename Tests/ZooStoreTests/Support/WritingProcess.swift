import Foundation
import Glibc

/// `zoo-store-crash`, which writes to an index in a process of its own.
final class WritingProcess {
  /// Where the programs were built: beside the tests.
  private static let program: URL = {
    let arguments = CommandLine.arguments
    let bundle = arguments.firstIndex(of: "--test-bundle-path").map { arguments[$0 + 1] } ?? arguments[0]
    return URL(filePath: bundle).deletingLastPathComponent().appending(path: "zoo-store-crash")
  }()

  private let process = Process()
  private let output = Pipe()
  private let script: URL
  private var unread = Data()

  init(index folder: URL, script lines: [String]) throws {
    script = FileManager.default.temporaryDirectory.appending(path: "zoo-script-\(UUID().uuidString)")
    try Data(lines.joined(separator: "\n").utf8).write(to: script)
    process.executableURL = Self.program
    process.arguments = [folder.path(percentEncoded: false), script.path(percentEncoded: false)]
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  deinit { try? FileManager.default.removeItem(at: script) }

  /// The next line that was done; nil when it has ended.
  func nextLine() -> Int? {
    while true {
      if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Int(String(decoding: unread[unread.startIndex..<end], as: UTF8.self))
        unread = unread[(end + 1)...]
        return line
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { return nil }
      unread.append(more)
    }
  }

  func kill() { Glibc.kill(process.processIdentifier, SIGKILL) }

  func waitForEnd() { process.waitUntilExit() }
}
