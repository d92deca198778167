import CZooHamming

/// Rows of one partition that lie together. A sealed run is in the order of codes, then numbers, has no row twice, and changes
/// only by tombstones; a tail is in the order in which rows came, and grows. A value: what a snapshot holds does not change.
struct Run: Sendable {
  let store: RowStore
  var count: Int
  var tombstones = Tombstones()
  let isSealed: Bool
  /// Of large sealed runs of short codes.
  let tables: MultiIndexTables?

  var liveCount: Int { count - tombstones.count }

  /// As kernels take it. Valid as long as this run is.
  var rows: zoo_hamming_rows { store.rows(count: count, tombstones: tombstones.table) }

  var residentBytes: Int {
    store.residentBytes + 2 * objectBytes + tombstones.residentBytes + (tables?.residentBytes ?? 0)
  }

  /// The row that has this code, padded, and this number, and is not deleted.
  func row(code: [UInt64], number: UInt32, shape: CodeShape) -> Int? {
    var kernels = shape.kernels
    var rows = self.rows
    if isSealed {
      let row = zoo_hamming_lower_bound(&kernels, &rows, code, number)
      let isThere = zoo_hamming_is_row(&kernels, &rows, row, code, number) && !tombstones.contains(row)
      return isThere ? row : nil
    }
    for row in 0..<count where store.numbers[row] == number {
      if zoo_hamming_is_row(&kernels, &rows, row, code, number), !tombstones.contains(row) { return row }
    }
    return nil
  }

  /// The first row of a sealed run that is the same as the one before it.
  func repeatedRow(shape: CodeShape) -> Int? {
    var kernels = shape.kernels
    var rows = self.rows
    let row = zoo_hamming_repeated_row(&kernels, &rows)
    return row < count ? row : nil
  }

  /// The padded code of a row.
  func code(of row: Int, shape: CodeShape) -> [UInt64] {
    var bytes: [UInt8] = []
    for (plane, size) in zip(store.planes, shape.planeBytes) {
      bytes += UnsafeBufferPointer(start: plane! + row * size, count: size)
    }
    return shape.padded(bytes)
  }

  /// Deletes a row that is not deleted yet.
  mutating func delete(_ row: Int) throws(HammingIndexError) {
    try tombstones.insert(row, capacity: store.capacity)
  }
}
