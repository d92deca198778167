import Glibc

/// The files in which the kernel tells about the machine.
struct SystemFiles: Sendable {
  /// A folder that stands for `/`.
  var root: String

  init(root: String = "/") {
    self.root = root.hasSuffix("/") ? String(root.dropLast()) : root
  }

  /// Whether it is no other machine's.
  var isOfThisMachine: Bool { root.isEmpty }

  /// A file of several hundred processors has less.
  private static let largest = 8 << 20

  /// - Parameter path: from the root, without a slash at its start.
  func text(_ path: String) throws(FileFailure) -> String {
    // A pipe that nobody writes to must not stop anyone.
    let descriptor = open("\(root)/\(path)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileFailure(path, errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while bytes.count < Self.largest {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileFailure(path, errno)
      }
      if count == 0 { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A file with one word or line.
  func line(_ path: String) throws(FileFailure) -> String {
    try text(path).trimmed
  }

  /// A file with one whole number.
  func number(_ path: String) throws(FileFailure) -> Int64 {
    let line = try line(path)
    guard let number = Int64(line) else { throw FileFailure(path, content: line) }
    return number
  }

  /// A file with one whole number that is 0 or more.
  func count(_ path: String) throws(FileFailure) -> UInt64 {
    let line = try line(path)
    guard let number = UInt64(line) else { throw FileFailure(path, content: line) }
    return number
  }

  /// What is in a folder, sorted; nothing where there is no such folder.
  func names(in path: String) -> [String] {
    guard let folder = opendir("\(root)/\(path)") else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

/// Why a file of the kernel's could not be used.
struct FileFailure: Error, Equatable {
  enum Kind { case missing, forbidden, unreadable, garbage }

  let kind: Kind
  let message: String

  init(_ path: String, _ code: Int32) {
    kind =
      switch code {
      case ENOENT, ENOTDIR, ENODEV, ENXIO: .missing
      case EACCES, EPERM: .forbidden
      default: .unreadable
      }
    message = "/\(path): \(String(cString: strerror(code)))"
  }

  init(_ path: String, content: String) {
    kind = .garbage
    message = "/\(path) has \"\(content.prefix(40))\" where a number belongs"
  }

  var unavailable: Unavailable { Unavailable(message) }
}

extension StringProtocol where SubSequence == Substring {
  /// Without white space and line ends around it.
  var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
