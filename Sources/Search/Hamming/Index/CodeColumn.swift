import CZooHamming

/// Codes that lie side by side, unpadded, with their numbers and labels.
struct CodeColumn {
  let codes: UnsafePointer<UInt8>
  let numbers: [UInt32]
  let labels: [UInt32]

  /// The column as rows; only for codes that have neither padding nor planes.
  func withRows<Result>(
    _ body: (zoo_hamming_rows) throws(HammingIndexError) -> Result
  ) throws(HammingIndexError) -> Result {
    try numbers.withUnsafeBufferPointer { numbers throws(HammingIndexError) in
      try labels.withUnsafeBufferPointer { labels throws(HammingIndexError) in
        try body(
          zoo_hamming_rows(
            planes: (codes, nil, nil, nil), numbers: numbers.baseAddress, labels: labels.baseAddress, tombstones: nil,
            count: numbers.count))
      }
    }
  }

  /// A copy, padded and cut into planes.
  func store(shape: CodeShape) throws(HammingIndexError) -> RowStore {
    let store = try RowStore(shape: shape, capacity: numbers.count)
    var kernels = shape.kernels
    zoo_hamming_store_all(&kernels, store.planes, 0, codes, numbers.count)
    store.numbers.update(from: numbers, count: numbers.count)
    store.labels.update(from: labels, count: labels.count)
    return store
  }
}
