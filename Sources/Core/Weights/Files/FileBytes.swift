import Glibc
import ZooTensor

/// The bytes of a file: mapped, or copied from memory. They stay valid for as long as this object lives.
final class FileBytes: RereadableMemory, @unchecked Sendable {
  // Sendable: the bytes are never written after `init`.
  let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool
  private let release: () -> Void

  /// Maps a file for reading.
  init(mapping path: String, limits: WeightsLimits) throws(WeightsError) {
    // O_NONBLOCK: opening a named pipe must not wait for a writer. It changes nothing for a regular file.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.unreadable("cannot be opened") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.unreadable("cannot be examined") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw WeightsError(.unreadableFile, "this is not a regular file: give the path of a file of weights")
    }
    let byteCount = Int(status.st_size)
    guard byteCount > 0 else { throw WeightsError(.malformed, "the file is empty") }
    guard byteCount <= limits.fileByteCount else {
      throw WeightsError(
        .limitExceeded,
        "the file has \(byteCount) bytes and the limit is \(limits.fileByteCount): raise `fileByteCount`")
    }
    guard let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw Self.unreadable("cannot be mapped")
    }
    bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
    isMapped = true
    release = { munmap(start, byteCount) }
  }

  /// Copies bytes to memory that is aligned for every element type.
  init(copying source: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(source.count, 1), alignment: 64)
    copy.copyBytes(from: source)
    bytes = UnsafeRawBufferPointer(rebasing: copy[..<source.count])
    isMapped = false
    release = { copy.deallocate() }
  }

  deinit { release() }

  func evict(_ bytes: UnsafeRawBufferPointer) {
    guard isMapped, let start = bytes.baseAddress else { return }
    // Whole pages: what lies beside the bytes may be in use.
    let page = Int(getpagesize())
    let first = (Int(bitPattern: start) + page - 1) / page * page
    let end = (Int(bitPattern: start) + bytes.count) / page * page
    if first < end { madvise(UnsafeMutableRawPointer(bitPattern: first), end - first, MADV_DONTNEED) }
  }

  private static func unreadable(_ what: String) -> WeightsError {
    WeightsError(.unreadableFile, "the file \(what): \(String(cString: strerror(errno)))")
  }
}
