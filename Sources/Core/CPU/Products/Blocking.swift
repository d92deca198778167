/// How a product is cut into pieces of work. It depends on the sizes alone, never on the number of threads.
struct Blocking: Sendable, Hashable {
  let rows: Int
  let columns: Int
  let rowsPerBlock: Int
  let columnsPerBlock: Int

  private let rowBlocks: Int
  private let columnBlocks: Int

  /// Rows that a block is a multiple of: those of a register tile.
  private static let rowUnit = 14
  /// Rows of a block at most.
  private static let maximumRows = 18 * rowUnit
  /// Floats of a block of the left-hand side at most: it stays in the L2 cache with a part of the weights.
  private static let maximumElements = 112 * 1024
  /// Pieces of work to aim for, so that threads finish at about the same time.
  private static let wantedCount = 16
  /// Columns that give enough blocks where all rows are in each.
  private static let columnsOfFewRows = 8 * WeightMatrix.columnUnit
  private static let minimumColumns = 2 * WeightMatrix.columnUnit
  /// Multiplications that are worth being handed out: some microseconds.
  private static let minimumWork = 1 << 18

  /// Rows that are copied as one piece of work, where all are copied before the products.
  static let rowsPerCopy = 7

  /// True where every block has all rows.
  var isByColumns: Bool { rowBlocks == 1 && columnBlocks > 1 }

  /// For `[rows][depth] · [depth][columns]`.
  ///
  /// - Parameters:
  ///   - sharesRows: all rows may be in each of many blocks at no cost.
  ///   - readsInPlace: so may some of the rows, because blocks do not copy them.
  init(rows: Int, columns: Int, depth: Int, sharesRows: Bool = false, readsInPlace: Bool = false) {
    self.rows = rows
    self.columns = columns
    if sharesRows, rows <= Self.maximumRows, rows * depth > Self.maximumElements, columns >= Self.columnsOfFewRows {
      // The weights are larger than the rows, and each is read once. A product takes some steps of the depth for all
      // columns before the next, so that not all of the rows have to stay in the cache.
      rowsPerBlock = rows
      rowBlocks = 1
      columnsPerBlock = WeightMatrix.columnUnit
      columnBlocks = (columns + columnsPerBlock - 1) / columnsPerBlock
      return
    }
    let fitting = Self.maximumElements / max(depth, 1) / Self.rowUnit * Self.rowUnit
    let most = min(max(fitting, Self.rowUnit), Self.maximumRows)
    let least = (rows + most - 1) / most
    let wanted = max(min(Self.wantedCount, rows * columns * depth / Self.minimumWork), 1)
    // Where that costs nothing, down to single panels, so that threads get the same share also where there are few.
    let byColumns = max(columns / (readsInPlace ? WeightMatrix.columnUnit : Self.minimumColumns), 1)
    let byRows = max(rows / (2 * Self.rowUnit), 1)
    // Rows are read once for each block of columns and columns once for each block of rows: the shorter side is split last.
    let count =
      columns > rows
      ? max(least, min((wanted + byColumns - 1) / byColumns, byRows)) : max(least, min(wanted, byRows))
    rowsPerBlock = ((rows + count - 1) / count).roundedUp(to: min(Self.rowUnit, rows))
    rowBlocks = (rows + rowsPerBlock - 1) / rowsPerBlock
    let split = min((wanted + rowBlocks - 1) / rowBlocks, byColumns)
    columnsPerBlock = ((columns + split - 1) / split).roundedUp(to: WeightMatrix.columnUnit)
    columnBlocks = (columns + columnsPerBlock - 1) / columnsPerBlock
  }

  var count: Int { rowBlocks * columnBlocks }

  /// Rows of each block of them.
  var rowCounts: [UInt32] {
    (0..<rowBlocks).map { UInt32(min(rowsPerBlock, rows - $0 * rowsPerBlock)) }
  }

  /// The number of the block of rows that a block has.
  func rowBlock(_ index: Int) -> Int { index / columnBlocks }

  /// Blocks of columns of the same rows follow each other.
  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let row = index / columnBlocks * rowsPerBlock
    let column = index % columnBlocks * columnsPerBlock
    return (row..<min(row + rowsPerBlock, rows), column..<min(column + columnsPerBlock, columns))
  }
}
