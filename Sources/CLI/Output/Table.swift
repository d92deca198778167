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

  var text: String {
    let widths = columns.indices.map { column in
      ([columns[column].title] + rows.map { $0[column] }).map(\.count).max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = zip(cells.indices, cells).map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return columns[column].alignment == .leading ? cell + space : space + cell
      }
      let text = padded.joined(separator: "  ")
      return String(text.reversed().drop { $0 == " " }.reversed())
    }
    return ([Output.bold(line(columns.map(\.title)))] + rows.map(line)).joined(separator: "\n")
  }
}
