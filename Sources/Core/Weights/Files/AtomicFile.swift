import Glibc

/// Writes a file that is either whole and on the disk, or not there.
enum AtomicFile {
  /// Writes a hidden file beside `path`, flushes it, and renames it to `path`.
  ///
  /// A crash at any point leaves what was at `path` before. On an error nothing is left behind.
  static func write(
    to path: String, _ body: (Output) throws(WeightsError) -> Void
  ) throws(WeightsError) {
    let (directory, name) = split(path)
    let (descriptor, temporaryPath) = try create(in: directory, for: name)
    do throws(WeightsError) {
      defer { close(descriptor) }
      try body(Output(descriptor: descriptor))
      guard fsync(descriptor) == 0 else { throw failure("cannot be flushed") }
      guard rename(temporaryPath, path) == 0 else { throw failure("cannot be renamed into place") }
    } catch {
      unlink(temporaryPath)
      throw error
    }
    try flushDirectory(directory)
  }

  struct Output {
    fileprivate let descriptor: Int32

    func write(_ bytes: UnsafeRawBufferPointer) throws(WeightsError) {
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if written == 0 || errno != EINTR {
          throw AtomicFile.failure("cannot be written")
        }
      }
    }
  }

  private static func create(
    in directory: String, for name: String
  ) throws(WeightsError) -> (descriptor: Int32, path: String) {
    for _ in 0..<16 {
      let path = "\(directory)/.\(name).\(String(UInt64.random(in: 0 ... .max), radix: 36)).partial"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, path) }
      guard errno == EEXIST else { break }
    }
    throw failure("cannot be created")
  }

  /// Makes the rename itself durable.
  private static func flushDirectory(_ directory: String) throws(WeightsError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("is written, but its folder cannot be opened to flush it") }
    defer { close(descriptor) }
    // Some file systems do not flush folders and say so with EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw failure("is written, but its folder cannot be flushed")
    }
  }

  private static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = path[..<slash]
    return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
  }

  private static func failure(_ what: String) -> WeightsError {
    WeightsError(.writeFailed, "the file \(what): \(String(cString: strerror(errno)))")
  }
}
