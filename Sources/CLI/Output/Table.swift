/// Rows of text in aligned columns.
struct Table {
  enum Alignment { case leading, trailing }

  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  init(_ columns: [(String, Alignment)]) {
    self.columns = columns.map { (title: $0.0, alignment: $0.1) }
  }

  mutating func add(_ row: [String]) {
    rows.append(row)
  }

  /// With the titles.
  var text: String { lines(withTitles: true) }

  /// Without them.
  var rowsText: String { lines(withTitles: false) }

  private func lines(withTitles: Bool) -> String {
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
    return ((withTitles ? [Output.bold(line(titles))] : []) + rows.map(line)).joined(separator: "\n")
  }
}
