import CZooHamming

/// Which rows of a run are deleted. A value: what a snapshot holds does not change. Bitmaps of 32768 rows each are shared by
/// copies until one of them changes, and take no memory before that.
struct Tombstones: Sendable {
  private static let bitmapRows = Int(zoo_hamming_tombstone_rows)

  /// Written only while one value alone refers to it.
  private final class Bitmap: @unchecked Sendable {
    let buffer: Buffer

    init(bytes: Int, copying other: Bitmap?) throws(HammingIndexError) {
      buffer = try Buffer(bytes: bytes)
      if let other {
        buffer.address.copyMemory(from: other.buffer.address, byteCount: bytes)
      } else {
        buffer.address.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      }
    }

    var words: UnsafeMutablePointer<UInt64> { buffer.address.assumingMemoryBound(to: UInt64.self) }
  }

  /// Written only while one value alone refers to it.
  private final class Storage: @unchecked Sendable {
    var bitmaps: [Bitmap?]
    /// Where the bitmaps' words are, as kernels take it.
    let table: UnsafeMutablePointer<UnsafePointer<UInt64>?>

    init(bitmaps: [Bitmap?]) {
      self.bitmaps = bitmaps
      table = .allocate(capacity: bitmaps.count)
      for (index, bitmap) in bitmaps.enumerated() {
        (table + index).initialize(to: bitmap.map { UnsafePointer($0.words) })
      }
    }

    deinit { table.deallocate() }
  }

  /// The number of deleted rows.
  private(set) var count = 0
  private var storage: Storage?

  /// What kernels take; nil where nothing is deleted. Valid as long as this value is.
  var table: UnsafePointer<UnsafePointer<UInt64>?>? { storage.map { UnsafePointer($0.table) } }

  var residentBytes: Int {
    guard let storage else { return 0 }
    return storage.bitmaps.reduce(objectBytes + storage.bitmaps.count * 16) { bytes, bitmap in
      bytes + (bitmap.map { $0.buffer.residentBytes + 2 * objectBytes } ?? 0)
    }
  }

  func contains(_ row: Int) -> Bool {
    guard let words = storage?.table[row / Tombstones.bitmapRows] else { return false }
    let bit = row % Tombstones.bitmapRows
    return words[bit / 64] >> UInt64(bit % 64) & 1 == 1
  }

  /// Deletes a row, which is not deleted yet, of a run that has room for `capacity` rows.
  mutating func insert(_ row: Int, capacity: Int) throws(HammingIndexError) {
    if storage == nil {
      let bitmaps = (capacity + Tombstones.bitmapRows - 1) / Tombstones.bitmapRows
      storage = Storage(bitmaps: [Bitmap?](repeating: nil, count: bitmaps))
    } else if !isKnownUniquelyReferenced(&storage) {
      storage = Storage(bitmaps: storage!.bitmaps)
    }
    let storage = storage!
    let index = row / Tombstones.bitmapRows
    if !isKnownUniquelyReferenced(&storage.bitmaps[index]) {
      let rows = min(Tombstones.bitmapRows, capacity - index * Tombstones.bitmapRows)
      let bitmap = try Bitmap(bytes: (rows + 63) / 64 * 8, copying: storage.bitmaps[index])
      storage.bitmaps[index] = bitmap
      storage.table[index] = UnsafePointer(bitmap.words)
    }
    let bit = row % Tombstones.bitmapRows
    storage.bitmaps[index]!.words[bit / 64] |= 1 << UInt64(bit % 64)
    count += 1
  }
}

/// About what an object takes beside what it refers to: its header, a few fields, the allocator's own.
let objectBytes = 64
