import Testing

@testable import ZooSQLiteStore

@Suite("SQLite: what is known by number")
struct SQLiteColumnTests {
  @Test("labels of items are those of a dictionary, whatever came and went")
  func itemLabels() {
    var generator = SeededGenerator(seed: 3)
    var labels = ItemLabels()
    var expected: [UInt32: UInt32] = [:]
    var next: UInt32 = 1
    for step in 0..<60_000 {
      // The share that goes makes chunks full, sparse and empty in turn.
      if generator.chance(step / 10_000 % 2 == 0 ? 0.9 : 0.2) || expected.isEmpty {
        let label = UInt32.random(in: 0..<50, using: &generator)
        labels.insert(next, label: label)
        expected[next] = label
        next += generator.chance(0.001) ? 5000 : 1
      } else {
        let number = expected.keys.randomElement(using: &generator)!
        labels.remove(number)
        expected[number] = nil
      }
    }
    #expect(next > 50_000 && expected.count > 1000)
    for _ in 0..<2 {
      #expect(labels.count == expected.count)
      #expect((0..<next + 10_000).allSatisfy { labels[$0] == expected[$0] })
      var counts = [Int](repeating: 0, count: 50)
      for label in expected.values { counts[Int(label)] += 1 }
      #expect(labels.counts(labels: 50) == counts)
      labels.trim()
    }
    for number in expected.keys { labels.remove(number) }
    #expect(labels.count == 0 && labels[1] == nil)
  }

  @Test("an item's label takes about six bytes, and a copy is not touched by what comes after it")
  func itemLabelsMemory() {
    var labels = ItemLabels()
    for number in 1...UInt32(100_000) { labels.insert(number, label: number % 7) }
    #expect(labels.bytes < 7 * 100_000)
    let copy = labels
    for number in 1...UInt32(100_000) where number % 10 != 0 { labels.remove(number) }
    #expect(labels.count == 10_000 && labels.bytes < 30 * 10_000)
    labels.trim()
    #expect(labels.bytes < 10 * 10_000 + 40_000)
    #expect(copy.count == 100_000 && copy[99_999] == 99_999 % 7)
  }

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
