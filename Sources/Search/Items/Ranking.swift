/// Re-ranking by attributes (arXiv 1706.03154, section 3.4): S = λ · S_appearance + (1 − λ) · S_attributes, where
/// S_appearance = 1 − distance / bits and S_attributes = Σ wᵢ · [aᵢ(query) = aᵢ(item)] / Σ wᵢ.
///
/// The sums are over the attributes that the query has a value for. Where it has none, appearance decides alone.
public struct Ranking: Sendable {
  public struct Term: Sendable, Hashable {
    public var attribute: String
    public var query: String
    public var item: String?
    public var weight: Double
    public var isEqual: Bool { query == item }
  }

  /// A match with its score and where that comes from.
  public struct Ranked: Sendable {
    public var match: Match
    /// 0 to 1.
    public var score: Double
    public var appearance: Double
    /// Nil where the query has no attributes with weight.
    public var attributes: Double?
  }

  public let bits: Int
  public let lambda: Double
  private let terms: [(attribute: String, value: String, weight: Double)]
  private let weight: Double

  /// - Parameters:
  ///   - lambda: the share of appearance, 0 to 1.
  ///   - attributes: of the query.
  ///   - weights: wᵢ; an attribute without one does not count.
  public init(bits: Int, lambda: Double, attributes: [String: String], weights: [IndexSettings.Attribute]) {
    self.bits = bits
    self.lambda = lambda
    terms = weights.compactMap { weighted in
      guard weighted.weight > 0, let value = attributes[weighted.name], !value.isEmpty else { return nil }
      return (weighted.name, value, weighted.weight)
    }
    weight = terms.reduce(0) { $0 + $1.weight }
  }

  /// The first `k` matches by falling score; equal ones by distance, then by number.
  public func ranked(_ matches: [Match], k: Int) -> [Ranked] {
    let all = matches.map(score).sorted { a, b in
      if a.score != b.score { return a.score > b.score }
      if a.match.distance != b.match.distance { return a.match.distance < b.match.distance }
      return a.match.number < b.match.number
    }
    return Array(all.prefix(k))
  }

  public func score(_ match: Match) -> Ranked {
    let appearance = 1 - Double(match.distance) / Double(bits)
    guard weight > 0 else { return Ranked(match: match, score: appearance, appearance: appearance, attributes: nil) }
    var reward = 0.0
    for term in terms where match.attributes[term.attribute] == term.value { reward += term.weight }
    let attributes = reward / weight
    return Ranked(
      match: match, score: lambda * appearance + (1 - lambda) * attributes, appearance: appearance,
      attributes: attributes)
  }

  /// Attribute by attribute, why a match has its reward.
  public func explanation(of match: Match) -> [Term] {
    terms.map { term in
      Term(
        attribute: term.attribute, query: term.value, item: match.attributes[term.attribute], weight: term.weight)
    }
  }
}
