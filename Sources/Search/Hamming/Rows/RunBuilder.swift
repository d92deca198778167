import CZooHamming

/// Makes runs out of rows.
struct RunBuilder: Sendable {
  let shape: CodeShape
  let tuning: Tuning

  /// A sealed run of the rows of others that are not deleted; nil where there are none.
  func merge(_ runs: [Run]) throws(HammingIndexError) -> Run? {
    // The sources point into the runs.
    defer { withExtendedLifetime(runs) {} }
    return try merge(runs.map(\.rows), limit: runs.reduce(0) { $0 + $1.liveCount })
  }

  /// A sealed run of the rows, at most `limit`, that are not deleted.
  func merge(_ sources: [zoo_hamming_rows], limit: Int) throws(HammingIndexError) -> Run? {
    guard limit > 0 else { return nil }
    let store = try orderedRows(of: sources, limit: limit)
    let count = store.capacity
    let isIndexed = count >= tuning.indexedRows && !MultiIndexTables.parts(of: shape).isEmpty
    let tables = isIndexed ? try MultiIndexTables(shape: shape, store: store, count: count) : nil
    return Run(store: store, count: count, isSealed: true, tables: tables)
  }

  private func orderedRows(of sources: [zoo_hamming_rows], limit: Int) throws(HammingIndexError) -> RowStore {
    // The references, and room for as many.
    let buffer = try Buffer(bytes: 2 * limit * MemoryLayout<zoo_hamming_reference>.stride)
    defer { withExtendedLifetime(buffer) {} }
    let references = buffer.address.assumingMemoryBound(to: zoo_hamming_reference.self)
    let count = refer(to: sources, references)
    var kernels = shape.kernels
    zoo_hamming_order(&kernels, sources, references, count, references + limit)
    let store = try RowStore(shape: shape, capacity: count)
    zoo_hamming_gather(&kernels, sources, references, count, store.planes, store.numbers, store.labels)
    return store
  }

  private func refer(to sources: [zoo_hamming_rows], _ references: UnsafeMutablePointer<zoo_hamming_reference>) -> Int {
    var kernels = shape.kernels
    var count = 0
    for (index, source) in sources.enumerated() {
      var source = source
      count += zoo_hamming_refer(&kernels, &source, UInt32(index), references + count)
    }
    return count
  }

  /// A tail with room for `capacity` rows, which starts with those of another that are not deleted.
  func tail(_ other: Run?, capacity: Int) throws(HammingIndexError) -> Run {
    let store = try RowStore(shape: shape, capacity: capacity)
    guard let other, other.liveCount > 0 else { return Run(store: store, count: 0, isSealed: false, tables: nil) }
    let buffer = try Buffer(bytes: other.liveCount * MemoryLayout<zoo_hamming_reference>.stride)
    defer { withExtendedLifetime((buffer, other)) {} }
    let references = buffer.address.assumingMemoryBound(to: zoo_hamming_reference.self)
    let sources = [other.rows]
    let count = refer(to: sources, references)
    var kernels = shape.kernels
    zoo_hamming_gather(&kernels, sources, references, count, store.planes, store.numbers, store.labels)
    return Run(store: store, count: count, isSealed: false, tables: nil)
  }
}
