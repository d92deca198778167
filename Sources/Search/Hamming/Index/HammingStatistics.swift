/// How much an index holds.
public struct HammingStatistics: Sendable, Hashable {
  /// Items that searches can find.
  public var items: Int
  /// Partitions that have items.
  public var partitions: Int
  /// Runs of rows, tails included.
  public var segments: Int
  /// Deleted rows that still take memory.
  public var tombstones: Int
  /// Bytes of the items' codes: `items · bits / 8`.
  public var codeBytes: Int
  /// Bytes beyond them: numbers, labels, tables, tombstones, padding, deleted rows, room that is not used yet, and what the
  /// allocator adds.
  public var overheadBytes: Int

  /// Bytes beyond its code that an item takes.
  public var overheadBytesPerItem: Double { items > 0 ? Double(overheadBytes) / Double(items) : 0 }
}
