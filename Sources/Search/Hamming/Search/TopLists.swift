import CZooHamming

/// The nearest rows of every query so far, as kernels keep them. Lives in one block of memory.
struct TopLists: ~Copyable {
  let k: Int
  let tops: UnsafeMutableBufferPointer<zoo_hamming_top>
  private let keys: UnsafeMutablePointer<UInt64>

  init(queries: Int, k: Int) {
    self.k = k
    keys = .allocate(capacity: max(1, queries * k))
    tops = .allocate(capacity: queries)
    for query in 0..<queries {
      tops.initializeElement(
        at: query, to: zoo_hamming_top(keys: keys + query * k, capacity: k, count: 0, limit: .max))
    }
  }

  deinit {
    tops.deallocate()
    keys.deallocate()
  }

  /// Sorts what was found.
  consuming func neighbours() -> [[Neighbour]] {
    tops.indices.map { query in
      zoo_hamming_finish(&tops[query])
      return UnsafeBufferPointer(start: tops[query].keys, count: tops[query].count).map {
        Neighbour(distance: Int($0 >> 32), number: UInt32(truncatingIfNeeded: $0))
      }
    }
  }
}
