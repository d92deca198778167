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
  private static let minimumColumns = 2 * WeightMatrix.columnUnit

  /// For `[rows][depth] · [depth][columns]`.
  init(rows: Int, columns: Int, depth: Int) {
    self.rows = rows
    self.columns = columns
    let fitting = Self.maximumElements / max(depth, 1) / Self.rowUnit * Self.rowUnit
    let most = min(max(fitting, Self.rowUnit), Self.maximumRows)
    let count = (rows + most - 1) / most
    rowsPerBlock = ((rows + count - 1) / count).roundedUp(to: min(Self.rowUnit, rows))
    rowBlocks = (rows + rowsPerBlock - 1) / rowsPerBlock
    let wanted = min((Self.wantedCount + rowBlocks - 1) / rowBlocks, max(columns / Self.minimumColumns, 1))
    columnsPerBlock = ((columns + wanted - 1) / wanted).roundedUp(to: WeightMatrix.columnUnit)
    columnBlocks = (columns + columnsPerBlock - 1) / columnsPerBlock
  }

  var count: Int { rowBlocks * columnBlocks }

  /// Blocks of columns of the same rows follow each other.
  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let row = index / columnBlocks * rowsPerBlock
    let column = index % columnBlocks * columnsPerBlock
    return (row..<min(row + rowsPerBlock, rows), column..<min(column + columnsPerBlock, columns))
  }
}
