import Glibc
import ZooBackend

/// Memory for floats that starts on a cache line and is freed with its last reference.
///
/// Sendable because of how it is used: packed weights are written before they are shared, an arena belongs to one call
/// at a time.
final class AlignedBuffer: @unchecked Sendable {
  static let alignment = 64

  let base: UnsafeMutablePointer<Float>
  let count: Int

  var byteCount: Int { count * MemoryLayout<Float>.stride }

  /// Allocates `count` floats that are not initialised.
  ///
  /// - Parameter purpose: what the memory is for, in the message of the error.
  init(count: Int, for purpose: @autoclosure () -> String) throws(BackendError) {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    var memory: UnsafeMutableRawPointer?
    guard !overflow, count >= 0, posix_memalign(&memory, Self.alignment, max(bytes, Self.alignment)) == 0,
      let memory
    else {
      throw BackendError(
        .outOfMemory, "there is no room for \(count) floats of \(purpose()): use a smaller picture or batch")
    }
    base = memory.bindMemory(to: Float.self, capacity: count)
    self.count = count
  }

  deinit { free(base) }
}
