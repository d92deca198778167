import Crypto
import Foundation
import Glibc
import ZooProtocol

/// The few calls to the file system that registering and verifying need, with errors that say what to do.
enum DiskFile {
  private static let chunkBytes = 1 << 20

  /// The SHA-256 of a regular file, in hexadecimal digits, and its size. Links are not followed.
  static func sum(of path: String, named name: String) throws(ZooError) -> (sha256: String, bytes: UInt64) {
    let descriptor = try open(path, O_RDONLY, named: name)
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ZooError(.failedPrecondition, "\(name) is not a regular file")
    }
    var sum = SHA256()
    var bytes: UInt64 = 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("reading \(name)")
      }
      if count == 0 { break }
      sum.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      bytes += UInt64(count)
    }
    return (hexadecimal(sum.finalize()), bytes)
  }

  static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    digest.map { byte in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }.joined()
  }

  /// Writes `data` at `offset` of a file that is made where it is missing.
  static func write(_ data: Data, to path: String, at offset: UInt64, named name: String) throws(ZooError) {
    let descriptor = try open(path, O_WRONLY | O_CREAT, named: name)
    defer { close(descriptor) }
    var written = 0
    while written < data.count {
      let count = data.withUnsafeBytes { bytes in
        pwrite(descriptor, bytes.baseAddress! + written, bytes.count - written, off_t(offset) + off_t(written))
      }
      if count < 0 {
        if errno == EINTR { continue }
        let problem = failure("writing \(name)")
        // What was written of this chunk goes again, so that the size of the file says how much is there.
        ftruncate(descriptor, off_t(offset))
        throw problem
      }
      written += count
    }
  }

  /// The size of a file; 0 where there is none.
  static func size(of path: String) -> UInt64 {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? UInt64(status.st_size) : 0
  }

  /// Whether there is anything of that name; a link is, wherever it leads.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    return lstat(path, &status) == 0
  }

  /// Brings a file or folder to the disk itself.
  static func synchronize(_ path: String, named name: String) throws(ZooError) {
    let descriptor = try open(path, O_RDONLY, named: name)
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("writing \(name)") }
  }

  static func rename(_ source: String, to destination: String, named name: String) throws(ZooError) {
    guard Glibc.rename(source, destination) == 0 else { throw failure("moving \(name) into place") }
  }

  /// Makes a folder, and those around it that are missing.
  static func makeFolder(_ path: String, named name: String) throws(ZooError) {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard mkdir(path, 0o777) != 0 else { return }
    var number = errno
    if number == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try makeFolder(String(path[..<slash]), named: name)
      guard mkdir(path, 0o777) != 0 else { return }
      number = errno
    }
    var status = stat()
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else { return }
    throw failure("making the folder for \(name)", number)
  }

  /// - Throws: `failedPrecondition`, with the reason, where nothing can be put into the folder.
  static func requireWritable(_ path: String, named name: String) throws(ZooError) {
    guard access(path, W_OK | X_OK) == 0 else { throw failure("writing to \(name)", errno) }
  }

  /// Bytes that may still be written below a folder.
  static func freeBytes(at path: String) -> UInt64 {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return .max }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
  }

  private static func open(_ path: String, _ flags: Int32, named name: String) throws(ZooError) -> Int32 {
    let descriptor = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure("opening \(name)") }
    return descriptor
  }

  /// What the latest call failed with.
  private static func failure(_ action: String, _ number: Int32 = errno) -> ZooError {
    let text = String(cString: strerror(number))
    switch number {
    case ENOSPC, EDQUOT:
      return ZooError(
        .resourceExhausted, "\(action): the server's disk is full; free some and go on, what was received is kept")
    case ENOENT: return ZooError(.failedPrecondition, "\(action): the file is missing")
    case EROFS, EACCES, EPERM: return ZooError(.failedPrecondition, "\(action): \(text)")
    case EEXIST, ENOTDIR: return ZooError(.failedPrecondition, "\(action): a file is where a folder should be")
    case ELOOP: return ZooError(.failedPrecondition, "\(action): it is a symbolic link; put the file itself there")
    default: return ZooError(.internal, "\(action): \(text)")
    }
  }
}
