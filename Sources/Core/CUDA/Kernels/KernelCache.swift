import Crypto
import Foundation
import Glibc

/// Compiled kernels, which are fastest, and plans of libraries, on disk, so that a server starts without finding either again.
///
/// A file is named after everything that it depends on and starts with a sum over what follows: one that is damaged is
/// taken for missing. Files that nothing uses any more are not removed; each is below a megabyte.
struct KernelCache {
  let folder: URL

  /// `$XDG_CACHE_HOME/zoo/kernels`, or the same in `~/.cache`.
  static func standardFolder(_ environment: [String: String]) -> URL? {
    if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") {
      return URL(filePath: caches, directoryHint: .isDirectory).appending(path: "zoo/kernels")
    }
    return environment["HOME"].map {
      URL(filePath: $0, directoryHint: .isDirectory).appending(path: ".cache/zoo/kernels")
    }
  }

  /// - Parameter parts: all that what is kept depends on.
  func file(for parts: [String], extension: String = "kernels") -> URL {
    // Each with its length, so that no two lists run together into one.
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined()
    let name = SHA256.hash(data: Data(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
    return folder.appending(path: "\(name.joined()).\(`extension`)")
  }

  /// Nil where it is missing, damaged or not this user's own.
  func read(_ file: URL) -> [UInt8]? {
    guard isOurs(folder), isOurs(file), let data = try? Data(contentsOf: file), data.count > SHA256.byteCount else {
      return nil
    }
    let image = data.dropFirst(SHA256.byteCount)
    guard Data(SHA256.hash(data: image)) == data.prefix(SHA256.byteCount) else { return nil }
    return [UInt8](image)
  }

  /// Whether nobody else can have written it: what is in it runs on the card.
  private func isOurs(_ url: URL) -> Bool {
    var status = stat()
    guard stat(url.path(percentEncoded: false), &status) == 0 else { return false }
    return status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }

  /// Written beside and renamed, so that nobody finds half of it.
  func write(_ image: [UInt8], to file: URL) throws {
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try (Data(SHA256.hash(data: image)) + Data(image)).write(to: file, options: .atomic)
  }
}
