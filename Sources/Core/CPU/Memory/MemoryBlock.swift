import Glibc
import Synchronization

/// Memory of the system's that starts on a cache line; from some size on it lies in huge pages, where the system has them.
///
/// A network walks through all of its weights for every picture: with pages of 4 KiB, the processor looks up where they are
/// tens of thousands of times.
final class MemoryBlock: @unchecked Sendable {
  // Sendable: it only owns the memory; who writes to it sees to that.
  static let alignment = 64
  private static let hugePage = 2 << 20

  let base: UnsafeMutableRawPointer
  private let release: () -> Void

  /// Memory that is not initialised; nil where there is none.
  init?(byteCount: Int) {
    if byteCount >= Self.hugePage, let mapping = Self.map(byteCount) {
      (base, release) = mapping
      return
    }
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, Self.alignment, max(byteCount, Self.alignment)) == 0, let memory else { return nil }
    base = memory
    release = { free(memory) }
  }

  deinit { release() }

  /// A mapping that starts with a huge page.
  private static func map(_ byteCount: Int) -> (base: UnsafeMutableRawPointer, release: () -> Void)? {
    let (room, overflow) = byteCount.addingReportingOverflow(hugePage)
    guard !overflow, let start = mmap(nil, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else { return nil }
    let misplaced = Int(bitPattern: start) % hugePage
    let base = start + (misplaced == 0 ? 0 : hugePage - misplaced)
    madvise(base, byteCount, MADV_HUGEPAGE)  // Advice: it may be refused.
    return (base, { munmap(start, room) })
  }

  /// A part of a block that small pieces of weights share, so that they lie in huge pages too.
  ///
  /// A block is given back when none of its parts is left.
  static func part(byteCount: Int) -> (block: MemoryBlock, base: UnsafeMutableRawPointer)? {
    guard byteCount <= sharedSize / 4 else { return MemoryBlock(byteCount: byteCount).map { ($0, $0.base) } }
    return shared.withLock { shared in
      if shared == nil || shared!.used + byteCount > sharedSize {
        guard let block = MemoryBlock(byteCount: sharedSize) else { return nil }
        shared = (block, 0)
      }
      guard let (block, used) = shared else { return nil }
      shared?.used += (byteCount + alignment - 1) / alignment * alignment
      return (block, block.base + used)
    }
  }

  private static let sharedSize = 8 << 20
  /// The block that parts are taken of, and how much of it is taken.
  private static let shared = Mutex<(block: MemoryBlock, used: Int)?>(nil)
}
