import Testing

@testable import ZooItems

@Suite("Re-ranking by attributes")
struct RankingTests {
  private func match(_ number: UInt32, _ distance: Int, _ attributes: [String: String] = [:]) -> Match {
    Match(number: number, distance: distance, category: "Bags", attributes: attributes)
  }

  private let weights: [IndexSettings.Attribute] = [
    .init(name: "colour", weight: 3), .init(name: "season", weight: 1), .init(name: "size", weight: 0),
  ]

  @Test("S = λ · (1 − distance / bits) + (1 − λ) · Σ wᵢ [aᵢ = bᵢ] / Σ wᵢ")
  func score() {
    let ranking = Ranking(
      bits: 64, lambda: 0.75, attributes: ["colour": "red", "season": "winter"], weights: weights)
    let ranked = ranking.score(match(1, 16, ["colour": "red", "season": "summer"]))
    #expect(ranked.appearance == 0.75)
    #expect(ranked.attributes == 0.75)
    #expect(ranked.score == 0.75)
    #expect(ranking.score(match(1, 0, ["colour": "red", "season": "winter"])).score == 1)
    #expect(ranking.score(match(1, 64)).score == 0)
    #expect(ranking.score(match(1, 0)).score == 0.75)
  }

  @Test("only what the query has a value for counts; without any, appearance decides alone")
  func missing() {
    let some = Ranking(bits: 64, lambda: 0.5, attributes: ["season": "winter"], weights: weights)
    #expect(some.score(match(1, 32, ["season": "winter", "colour": "blue"])).score == 0.75)
    for attributes in [[:], ["size": "L"], ["unknown": "x"], ["colour": ""]] {
      let none = Ranking(bits: 64, lambda: 0.5, attributes: attributes, weights: weights)
      let ranked = none.score(match(1, 16, ["size": "L", "colour": ""]))
      #expect(ranked.score == 0.75 && ranked.attributes == nil)
    }
  }

  @Test("attributes lift an item past a nearer one; equal scores go by distance, then by number")
  func order() {
    let ranking = Ranking(bits: 64, lambda: 0.5, attributes: ["colour": "red"], weights: weights)
    let matches = [
      match(1, 0, ["colour": "blue"]), match(5, 8, ["colour": "red"]), match(4, 8, ["colour": "red"]), match(3, 64),
    ]
    #expect(ranking.ranked(matches, k: 10).map(\.match.number) == [4, 5, 1, 3])
    #expect(ranking.ranked(matches, k: 2).map(\.match.number) == [4, 5])
    #expect(ranking.ranked(matches, k: 0).isEmpty)
    // Nothing but attributes.
    let blind = Ranking(bits: 64, lambda: 0, attributes: ["colour": "red"], weights: weights)
    #expect(blind.ranked(matches, k: 4).map(\.match.number) == [4, 5, 1, 3])
    // Nothing but appearance.
    let plain = Ranking(bits: 64, lambda: 1, attributes: ["colour": "red"], weights: weights)
    #expect(plain.ranked(matches, k: 4).map(\.match.number) == [1, 4, 5, 3])
  }

  @Test("an explanation says what was compared")
  func explanation() {
    let ranking = Ranking(
      bits: 64, lambda: 0.5, attributes: ["colour": "red", "season": "winter", "size": "L"], weights: weights)
    let terms = ranking.explanation(of: match(1, 0, ["colour": "red"]))
    #expect(
      terms == [
        .init(attribute: "colour", query: "red", item: "red", weight: 3),
        .init(attribute: "season", query: "winter", item: nil, weight: 1),
      ])
    #expect(terms.map(\.isEqual) == [true, false])
  }
}
