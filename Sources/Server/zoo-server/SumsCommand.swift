import ArgumentParser
import Crypto
import Foundation

/// `zoo-server sums`
struct SumsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sums",
    abstract: "Prints the `files` entries of a manifest: every file of a folder, with its SHA-256 and size.")

  @Argument(help: "The folder of a model version.", completion: .directory)
  var folder: String

  func run() throws {
    let root = URL(filePath: folder, directoryHint: .isDirectory)
    let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path(percentEncoded: false)).sorted()
    for path in paths where path != "manifest.textproto" && !path.hasPrefix(".") {
      let file = root.appending(path: path)
      guard try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { continue }
      let (sum, bytes) = try Self.sum(of: file)
      print(#"files { path: "\#(path)" sha256: "\#(sum)" bytes: \#(bytes) }"#)
    }
  }

  private static func sum(of file: URL) throws -> (hexadecimal: String, bytes: Int) {
    let handle = try FileHandle(forReadingFrom: file)
    defer { try? handle.close() }
    var sum = SHA256()
    var bytes = 0
    while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
      sum.update(data: chunk)
      bytes += chunk.count
    }
    return (sum.finalize().map { String(format: "%02x", $0) }.joined(), bytes)
  }
}
