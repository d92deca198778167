/// Rows of text in aligned columns.
public struct Table {
  public enum Alignment: Sendable { case leading, trailing }

  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  public init(_ columns: [(String, Alignment)]) {
    self.columns = columns.map { (title: $0.0, alignment: $0.1) }
  }

  /// - Parameter row: a cell for each column. Control characters, which would be orders to a terminal, are replaced.
  public mutating func add(_ row: [String]) {
    rows.append(row.map(Self.printable))
  }

  private static func printable(_ cell: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in cell.unicodeScalars {
      text.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return String(text)
  }

  /// With the titles.
  ///
  /// - Parameter emphasis: what becomes of the line of titles.
  public func text(emphasis: (String) -> String = { $0 }) -> String {
    lines(withTitles: true, emphasis)
  }

  /// Without them.
  public var rowsText: String { lines(withTitles: false) { $0 } }

  private func lines(withTitles: Bool, _ emphasis: (String) -> String) -> String {
    let titles = columns.map(\.title)
    let widths = columns.indices.map { column in
      ((withTitles ? [titles[column]] : []) + rows.map { $0[column] }).map(\.count).max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = zip(cells.indices, cells).map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return columns[column].alignment == .leading ? cell + space : space + cell
      }
      let text = padded.joined(separator: "  ")
      return String(text.reversed().drop { $0 == " " }.reversed())
    }
    return ((withTitles ? [emphasis(line(titles))] : []) + rows.map(line)).joined(separator: "\n")
  }
}
