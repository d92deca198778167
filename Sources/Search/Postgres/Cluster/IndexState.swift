internal import ZooItems

/// What the coordinator knows of an index.
struct IndexState {
  static var gone: SearchError { SearchError(.notFound, "the index is gone: it was dropped while it was open") }

  /// The highest number that an item has been given.
  let lastItem: Int64
  let widths: HasherWidths
  private let rows: Rows
  private let column: Int

  /// - Parameter column: where settings, last_item, versions and bits begin.
  /// - Throws: `notFound` where there is no row.
  init(_ rows: Rows, from column: Int = 0) throws {
    guard rows.count > 0 else { throw Self.gone }
    self.rows = rows
    self.column = column
    lastItem = try rows.bigint(0, column + 1)
    var widths = HasherWidths()
    for case (let version?, let bits?) in zip(try rows.bigints(0, column + 2), try rows.ints(0, column + 3)) {
      widths.bits[UInt32(version)] = Int(bits)
    }
    self.widths = widths
  }

  var settings: IndexSettings {
    get throws { try rows.json(0, column) }
  }
}
