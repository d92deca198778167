/// Measures of rankings, added up over queries.
struct RankingSums: Sendable {
  private struct Level {
    var queries = 0
    var averagePrecision = 0.0
    var squares = 0.0
    /// At 1, 2, 3, …
    var precisions: [Double]
  }

  private var levels: [Level]

  init(levels: Int, curve: Int) {
    self.levels = Array(repeating: Level(precisions: Array(repeating: 0, count: curve)), count: levels)
  }

  mutating func add(averagePrecision: Double, precisions: [Double], level: Int) {
    levels[level].queries += 1
    levels[level].averagePrecision += averagePrecision
    levels[level].squares += averagePrecision * averagePrecision
    for (index, precision) in precisions.enumerated() { levels[level].precisions[index] += precision }
  }

  mutating func add(_ other: RankingSums) {
    for index in levels.indices {
      levels[index].queries += other.levels[index].queries
      levels[index].averagePrecision += other.levels[index].averagePrecision
      levels[index].squares += other.levels[index].squares
      for place in levels[index].precisions.indices {
        levels[index].precisions[place] += other.levels[index].precisions[place]
      }
    }
  }

  func measures(level: Int, relevance: String, ks: [Int]) -> RankingReport.Measures {
    let sums = levels[level]
    let count = Double(max(1, sums.queries))
    let mean = sums.averagePrecision / count
    let variance = max(0, sums.squares / count - mean * mean) * count / max(1, count - 1)
    let curve = sums.precisions.map { $0 / count }
    return RankingReport.Measures(
      relevance: relevance, queries: sums.queries, meanAveragePrecision: mean,
      standardError: (variance / count).squareRoot(),
      precision: ks.filter { $0 <= curve.count }.map { .init(k: $0, value: curve[$0 - 1]) }, curve: curve)
  }
}
