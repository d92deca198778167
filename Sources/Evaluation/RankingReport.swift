/// What one way to rank is worth.
public struct RankingReport: Sendable, Encodable {
  public struct Precision: Sendable, Encodable {
    public let k: Int
    /// The mean over the queries of the share of relevant items among the first k.
    public let value: Double
  }

  public struct Measures: Sendable, Encodable {
    /// The last column in which a relevant item has the query's value.
    public let relevance: String
    /// Those that something is relevant to.
    public let queries: Int
    /// Over whole rankings.
    public let meanAveragePrecision: Double
    /// Of the mean, by how the queries differ.
    public let standardError: Double
    public let precision: [Precision]
    /// Precision at 1, 2, 3, …
    public let curve: [Double]

    enum CodingKeys: CodingKey {
      case relevance, queries, meanAveragePrecision, standardError, precision
    }
  }

  public let name: String
  public let lambda: Double?
  /// By relevance, each within the one before.
  public let measures: [Measures]
}
