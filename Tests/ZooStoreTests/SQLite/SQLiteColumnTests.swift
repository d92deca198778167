import Testing
import ZooSeeded

@testable import ZooSQLiteStore

@Suite("SQLite: what is known by number")
struct SQLiteColumnTests {
  @Test("columns and labels keep what was appended, over chunks")
  func columns() {
    var generator = SeededGenerator(seed: 4)
    var column = Column<String>()
    var labels = Labels()
    var expected: [Labels.Label] = []
    var copies: [(Column<String>, Labels, Int)] = []
    for number in 0..<5000 {
      let label = Labels.Label(
        category: UInt32.random(in: 0..<9, using: &generator),
        terms: (0..<Int.random(in: 0...6, using: &generator)).map { UInt32($0 * 3) })
      column.append("\(number)")
      labels.append(label)
      expected.append(label)
      if number % 700 == 0 { copies.append((column, labels, number + 1)) }
    }
    for (column, labels, count) in copies + [(column, labels, 5000)] {
      #expect(column.count == count && labels.count == count)
      #expect((0..<UInt32(count)).allSatisfy { column[$0] == "\($0)" })
      #expect(
        (0..<UInt32(count)).allSatisfy {
          labels[$0].category == expected[Int($0)].category && Array(labels[$0].terms) == expected[Int($0)].terms
        })
      for first in [0, 1, 1023, 1024, count - 1, count] {
        var seen: [UInt32] = []
        var isEqual = true
        labels.forEachTerms(from: first) { label, terms in
          seen.append(label)
          isEqual = isEqual && Array(terms) == expected[Int(label)].terms
        }
        #expect(isEqual && seen == (UInt32(min(first, count))..<UInt32(count)).map { $0 })
      }
    }
  }
}
