import CZooHamming

/// Room for rows: their numbers, labels and codes, side by side in one block.
///
/// Sharing it is safe because rows are only ever appended, by one writer at a time, behind the rows that were published;
/// whoever reads one got its number of rows through the lock under which they were published, and reads no further.
final class RowStore: @unchecked Sendable {
  let capacity: Int
  let numbers: UnsafeMutablePointer<UInt32>
  let labels: UnsafeMutablePointer<UInt32>
  /// Where planes start; those that the shape lacks are nil.
  let planes: [UnsafeMutablePointer<UInt8>?]
  private let buffer: Buffer
  /// All rows, as kernels take them.
  private let whole: zoo_hamming_rows

  var residentBytes: Int { buffer.residentBytes }

  init(shape: CodeShape, capacity: Int) throws(HammingIndexError) {
    self.capacity = capacity
    let line = 64
    // Codes first, so that in large blocks they start with a page.
    var offset = 0
    var offsets: [Int] = []
    for bytes in shape.planeBytes + [4, 4] {
      // Small stores are not aligned: there the gaps would count.
      let unit = capacity * bytes < 4096 ? 8 : line
      offset = (offset + unit - 1) / unit * unit
      offsets.append(offset)
      let (size, overflows) = capacity.multipliedReportingOverflow(by: bytes)
      let (end, isTooLong) = offset.addingReportingOverflow(size)
      guard !overflows, !isTooLong, end < Int.max / 2 else { throw .outOfMemory }
      offset = end
    }
    buffer = try Buffer(bytes: offset)
    let address = buffer.address
    labels = (address + offsets.removeLast()).assumingMemoryBound(to: UInt32.self)
    numbers = (address + offsets.removeLast()).assumingMemoryBound(to: UInt32.self)
    let planes = offsets.map { Optional((address + $0).assumingMemoryBound(to: UInt8.self)) }
    self.planes = planes + [UnsafeMutablePointer<UInt8>?](repeating: nil, count: 4 - planes.count)
    let starts = self.planes.map { $0.map { UnsafePointer($0) } }
    whole = zoo_hamming_rows(
      planes: (starts[0], starts[1], starts[2], starts[3]), numbers: numbers, labels: labels, tombstones: nil,
      count: capacity)
  }

  /// The first rows, as kernels take them. Valid as long as the store and the tombstones are.
  func rows(count: Int, tombstones: UnsafePointer<UnsafePointer<UInt64>?>? = nil) -> zoo_hamming_rows {
    var rows = whole
    rows.count = count
    rows.tombstones = tombstones
    return rows
  }

  /// Writes a row that nobody reads yet.
  func write(_ entry: HammingEntry, at row: Int, shape: CodeShape) {
    var kernels = shape.kernels
    numbers[row] = entry.number
    labels[row] = entry.label
    entry.code.withUnsafeBufferPointer { zoo_hamming_store(&kernels, planes, row, $0.baseAddress) }
  }
}
