import Testing
import ZooEvaluation

/// Average precision and precision at k with ties are the means over all orders of what ties.
struct RankingMeasuresTests {
  private let measures = RankingMeasures(databaseCount: 100)

  /// Groups of ties as flags: true is relevant.
  private func groups(_ flags: [[Bool]]) -> TieGroups {
    TieGroups(counts: flags.map(\.count), relevant: [flags.map { $0.count { $0 } }])
  }

  /// Textbook average precision of a ranking without ties.
  private func averagePrecision(_ ranking: [Bool], total: Int) -> Double {
    var (found, sum) = (0, 0.0)
    for (place, relevant) in ranking.enumerated() where relevant {
      found += 1
      sum += Double(found) / Double(place + 1)
    }
    return sum / Double(total)
  }

  private func orders(_ flags: [Bool]) -> [[Bool]] {
    guard flags.count > 1 else { return [flags] }
    return flags.indices.flatMap { first -> [[Bool]] in
      var rest = flags
      let head = rest.remove(at: first)
      return orders(rest).map { [head] + $0 }
    }
  }

  /// All rankings that the groups may be, each order of a group as often as the others.
  private func rankings(_ flags: [[Bool]]) -> [[Bool]] {
    flags.reduce([[]]) { rankings, group in
      let orders = orders(group)
      return rankings.flatMap { ranking in orders.map { ranking + $0 } }
    }
  }

  private static let cases: [[[Bool]]] = [
    [[true], [false], [true]], [[true, false]], [[true, true, false, false, false]],
    [[false], [true, false, true], [false, false], [true]], [[false, false], [true, true, true], [true, false]],
    [[true, false, false], [true, false, true, false], [false]],
  ]

  @Test(arguments: cases, [0, 2])
  func averagePrecisionIsTheMeanOverAllOrders(flags: [[Bool]], unranked: Int) throws {
    let total = flags.joined().count { $0 } + unranked
    let all = rankings(flags)
    let mean = all.reduce(0) { $0 + averagePrecision($1, total: total) } / Double(all.count)
    let value = try #require(measures.averagePrecision(groups(flags), level: 0, total: total))
    #expect(abs(value - mean) < 1e-12)
  }

  @Test(arguments: cases)
  func precisionAtKIsTheMeanOverAllOrders(flags: [[Bool]]) {
    let all = rankings(flags)
    let length = flags.joined().count
    let values = measures.precisions(groups(flags), level: 0, depth: length + 3)
    #expect(values.count == length + 3)
    for k in 1...length + 3 {
      let mean = all.reduce(0) { $0 + Double($1.prefix(k).count { $0 }) / Double(k) } / Double(all.count)
      #expect(abs(values[k - 1] - mean) < 1e-12, "precision at \(k)")
    }
  }

  @Test func whereNothingIsRelevantThereIsNoAveragePrecision() {
    #expect(measures.averagePrecision(groups([[false, false]]), level: 0, total: 0) == nil)
  }

  @Test func groupsCountWhatTiesAndPassOverWhatIsNotRanked() {
    let none = TieGroups.notRanked
    let small = TieGroups(keys: [7, 3, none, 3, 7, 9], depths: [1, 2, 2, 0, 1, 0], levels: 2)
    #expect(small.counts == [2, 2, 1])
    #expect(small.relevant == [[1, 2, 0], [1, 0, 0]])
    // Keys too far apart to count by are sorted, to the same end.
    let large = TieGroups(
      keys: [7, 3, none, 3, 7, 9].map { $0 == none ? none : $0 << 28 }, depths: [1, 2, 2, 0, 1, 0], levels: 2)
    #expect(large == small)
    #expect(TieGroups(keys: [none, none], depths: [1, 1], levels: 1).counts.isEmpty)
  }
}
