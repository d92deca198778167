import CZooHamming

/// Memory that nobody moves. Whoever shares one says why reading it and writing it never meet.
final class Buffer: @unchecked Sendable {
  let address: UnsafeMutableRawPointer
  /// Bytes that it takes, the allocator's own included.
  let residentBytes: Int
  private let bytes: Int

  init(bytes: Int) throws(HammingIndexError) {
    var resident = 0
    guard let address = zoo_hamming_allocate(bytes, &resident) else { throw .outOfMemory }
    self.address = address
    self.bytes = bytes
    residentBytes = resident
  }

  deinit { zoo_hamming_free(address, bytes) }
}
