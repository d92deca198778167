import CZooHamming

/// The nearest rows of every query so far, as kernels keep them. Lives in one block of memory.
struct TopLists: ~Copyable {
  let k: Int
  let tops: UnsafeMutableBufferPointer<zoo_hamming_top>
  private let found: UnsafeMutablePointer<zoo_hamming_found>

  init(queries: Int, k: Int) {
    self.k = k
    found = .allocate(capacity: max(1, queries * k))
    tops = .allocate(capacity: queries)
    for query in 0..<queries {
      tops.initializeElement(
        at: query, to: zoo_hamming_top(found: found + query * k, capacity: k, count: 0, limit: .max))
    }
  }

  deinit {
    tops.deallocate()
    found.deallocate()
  }

  /// Sorts what was found.
  ///
  /// - Returns: for each query the neighbours, and their labels.
  consuming func sorted() -> [(neighbours: [Neighbour], labels: [UInt32])] {
    tops.indices.map { query in
      zoo_hamming_finish(&tops[query])
      let found = UnsafeBufferPointer(start: tops[query].found, count: tops[query].count)
      let neighbours = found.map { Neighbour(distance: Int($0.key >> 32), number: UInt32(truncatingIfNeeded: $0.key)) }
      return (neighbours, found.map(\.label))
    }
  }
}
