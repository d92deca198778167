import CZooHamming

/// The tables of multi-index hashing over the rows of a sealed run (Norouzi, Punjani, Fleet, arXiv 1307.2982): a code is cut
/// into as many parts as there are tables, and a table finds the rows by a key, the first bits of their part.
///
/// Rows are ordered by their codes, so the first table needs no positions. Never written after it was built.
final class MultiIndexTables: Sendable {
  /// A key has up to 16 bits, so that tables of ordinary runs stay in the second cache.
  static let keyBits = 13...16
  /// Bytes that an item may take beyond its code, its number and label included.
  private static let budget = 24
  private static let most = 4

  /// Where the parts of a code start, in bytes: two bytes at least each, and no more parts than tables that the budget has room
  /// for. Empty where that leaves fewer than two.
  static func parts(of shape: CodeShape) -> [Int] {
    guard shape.rowBytes <= 16 else { return [] }
    // The first table is the order of the rows; a byte and more are left for offsets and tombstones.
    let spare = budget - 8 - (shape.rowBytes - shape.codeBytes) - 2
    let count = min(most, shape.codeBytes / 2, 1 + spare / 4)
    return count < 2 ? [] : (0..<count).map { shape.codeBytes * $0 / count }
  }

  /// Key bits for a run of so many rows: offsets take at most about two bytes a row.
  static func keyBits(rows: Int) -> Int {
    let bits = Int.bitWidth - 1 - max(1, rows / 8).leadingZeroBitCount
    return min(max(bits, keyBits.lowerBound), keyBits.upperBound)
  }

  let keyBits: Int
  private let buffers: [(offsets: Buffer, positions: Buffer?)]
  private let parts: [Int]

  var residentBytes: Int {
    buffers.reduce(objectBytes) {
      $0 + $1.offsets.residentBytes + ($1.positions?.residentBytes ?? 0) + 2 * objectBytes
    }
  }

  /// - Parameter count: rows of the store, which are in the order of their codes.
  init(shape: CodeShape, store: RowStore, count: Int) throws(HammingIndexError) {
    parts = MultiIndexTables.parts(of: shape)
    keyBits = MultiIndexTables.keyBits(rows: count)
    var kernels = shape.kernels
    var rows = store.rows(count: count)
    var buffers: [(offsets: Buffer, positions: Buffer?)] = []
    for (index, byte) in parts.enumerated() {
      let offsets = try Buffer(bytes: ((1 << keyBits) + 1) * 4)
      let positions = index == 0 ? nil : try Buffer(bytes: count * 4)
      zoo_hamming_build_table(
        &kernels, &rows, byte, keyBits, offsets.address.assumingMemoryBound(to: UInt32.self),
        positions?.address.assumingMemoryBound(to: UInt32.self))
      buffers.append((offsets, positions))
    }
    self.buffers = buffers
  }

  /// The tables as kernels take them. Valid as long as this object is.
  var kernels: [zoo_hamming_table] {
    zip(buffers, parts).map { buffers, byte in
      zoo_hamming_table(
        offsets: UnsafePointer(buffers.offsets.address.assumingMemoryBound(to: UInt32.self)),
        positions: buffers.positions.map { UnsafePointer($0.address.assumingMemoryBound(to: UInt32.self)) },
        byte: byte, key_bits: keyBits)
    }
  }
}
