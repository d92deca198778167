/// Average precision and precision at k of rankings with ties.
///
/// Items of equal rank have no order of their own, so both are expected values over all their orders (McSherry and
/// Najork, Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores, ECIR 2008).
public struct RankingMeasures: Sendable {
  /// 1 + 1/2 + … + 1/n, from n = 0.
  private let harmonic: [Double]

  /// - Parameter databaseCount: the most items that a ranking has.
  public init(databaseCount: Int) {
    var sum = 0.0
    harmonic =
      [0]
      + (0..<databaseCount).map { index in
        sum += 1 / Double(index + 1)
        return sum
      }
  }

  /// Average precision over the whole ranking.
  ///
  /// Of n tied items with r relevant ones, behind N others with R relevant, the i-th is relevant with probability r /
  /// n, and is then, on average, the R + 1 + (i − 1)(r − 1)/(n − 1)-th that is. What is relevant and not ranked adds
  /// nothing.
  ///
  /// - Parameter total: the relevant items of the database, ranked or not.
  /// - Returns: nil where nothing is relevant.
  public func averagePrecision(_ groups: TieGroups, level: Int, total: Int) -> Double? {
    guard total > 0 else { return nil }
    var (before, relevantBefore, sum) = (0, 0, 0.0)
    for (count, relevant) in zip(groups.counts, groups.relevant[level]) {
      if relevant > 0 {
        let (n, r) = (Double(count), Double(relevant))
        // The sums over i = 1...n of 1 / (N + i) and of (i - 1) / (N + i).
        let inverse = harmonic[before + count] - harmonic[before]
        let growing = n - Double(before + 1) * inverse
        sum += r / n * (Double(relevantBefore + 1) * inverse + (r - 1) / max(1, n - 1) * growing)
      }
      before += count
      relevantBefore += relevant
    }
    return sum / Double(total)
  }

  /// The share of relevant items among the first k, for k = 1...`depth`. Places behind the end of the ranking count as
  /// not relevant.
  public func precisions(_ groups: TieGroups, level: Int, depth: Int) -> [Double] {
    var precisions: [Double] = []
    precisions.reserveCapacity(depth)
    var (before, relevantBefore) = (0, 0)
    for (count, relevant) in zip(groups.counts, groups.relevant[level]) where precisions.count < depth {
      for place in 1...count where precisions.count < depth {
        let expected = Double(relevantBefore) + Double(relevant) * Double(place) / Double(count)
        precisions.append(expected / Double(before + place))
      }
      before += count
      relevantBefore += relevant
    }
    while precisions.count < depth { precisions.append(Double(relevantBefore) / Double(precisions.count + 1)) }
    return precisions
  }
}
