import Testing
import ZooEvaluation
import ZooSeeded

/// An evaluation is what its definitions say, worked out once more without haste.
struct RetrievalEvaluationTests {
  private static let bits = 32
  private static let options = RetrievalEvaluation.Options(
    relevance: ["type", "colour"], ks: [1, 5], lambdas: [0.6], weights: ["colour": 2, "size": 1], topCategories: 2,
    candidates: 6, curve: 10)

  /// Pictures whose codes, features and predictions have something to do with their labels.
  private func pictures(_ count: Int, seed: UInt64) -> [LabelledPicture] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { number in
      let type = Int.random(in: 0..<4, using: &random)
      let colour = Int.random(in: 0..<3, using: &random)
      func flipped(_ byte: UInt8) -> UInt8 { byte ^ (1 << UInt8.random(in: 0..<8, using: &random)) }
      func guess(_ right: Int, of count: Int) -> Int {
        Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: 0..<count, using: &random) : right
      }
      let first = guess(type, of: 4)
      return LabelledPicture(
        id: "\(number)", labels: ["type": "t\(type)", "colour": "c\(colour)"],
        code: [flipped(UInt8(type * 60)), flipped(UInt8(colour * 50)), flipped(0), flipped(255)],
        features: (0..<20).map { $0 == type ? 2 : Float.random(in: 0...1, using: &random) },
        categories: ["t\(first)", "t\((first + 1) % 4)", "t\((first + 2) % 4)"],
        attributes: number % 5 == 0
          ? [:] : ["colour": "c\(guess(colour, of: 3))", "size": "s\(number % 2)"])
    }
  }

  /// How good an item is for a query; nil where it is not found.
  private typealias Rule = (_ query: LabelledPicture, _ item: LabelledPicture, _ database: [LabelledPicture]) -> Double?

  private func distance(_ a: LabelledPicture, _ b: LabelledPicture) -> Int {
    zip(a.code, b.code).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
  }

  private func isSearched(_ query: LabelledPicture, _ item: LabelledPicture) -> Bool {
    query.categories.prefix(2).contains(item.labels["type"] ?? "")
  }

  private func cosine(_ a: LabelledPicture, _ b: LabelledPicture) -> Double {
    func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
    return dot(a.features, b.features) / (dot(a.features, a.features) * dot(b.features, b.features)).squareRoot()
  }

  /// The six nearest, and those as near as the last of them, by their scores; then the others by distance.
  private func score(_ query: LabelledPicture, _ item: LabelledPicture, among found: [LabelledPicture]) -> Double {
    let near = found.map { distance(query, $0) }.sorted()
    let limit = near.count < 6 ? Self.bits : near[5]
    let own = distance(query, item)
    guard own <= limit else { return -Double(own) }
    let appearance = 1 - Double(own) / Double(Self.bits)
    let weights = Self.options.weights.filter { query.attributes[$0.key] != nil }
    let total = weights.values.reduce(0, +)
    guard total > 0 else { return 1 + appearance }
    let reward = weights.reduce(0) { sum, weight in
      // The item's size is not labelled, so it is what the model says.
      let value = item.labels[weight.key] ?? item.attributes[weight.key]
      return sum + (value == query.attributes[weight.key] ? weight.value : 0)
    }
    return 1 + 0.6 * appearance + 0.4 * reward / total
  }

  private var rules: [Rule] {
    [
      { q, i, _ in self.isSearched(q, i) ? -Double(self.distance(q, i)) : nil },
      { q, i, all in
        self.isSearched(q, i) ? self.score(q, i, among: all.filter { self.isSearched(q, $0) }) : nil
      },
      { q, i, _ in -Double(self.distance(q, i)) },
      { q, i, all in self.score(q, i, among: all) },
      { q, i, _ in self.cosine(q, i) },
      { q, i, _ in q.categories[0] == i.categories[0] ? 1 : 0 },
    ]
  }

  /// Mean average precision and precision at 5, tie by tie.
  private func measured(
    _ rule: Rule, queries: [LabelledPicture], database: [LabelledPicture], columns: [String]
  ) -> (map: Double, precision: Double, queries: Int) {
    let measures = RankingMeasures(databaseCount: database.count)
    var (maps, precisions): ([Double], [Double]) = ([], [])
    for query in queries {
      let others = database.filter { $0.id != query.id }
      func isRelevant(_ item: LabelledPicture) -> Bool { columns.allSatisfy { item.labels[$0] == query.labels[$0] } }
      var groups: [Double: (count: Int, relevant: Int)] = [:]
      for item in others {
        // Scores that should be equal are, to nine digits.
        guard let score = rule(query, item, others).map({ ($0 * 1e9).rounded() }) else { continue }
        groups[score, default: (0, 0)].count += 1
        groups[score]?.relevant += isRelevant(item) ? 1 : 0
      }
      let ranked = groups.sorted { $0.key > $1.key }.map(\.value)
      let ties = TieGroups(counts: ranked.map(\.count), relevant: [ranked.map(\.relevant)])
      guard let value = measures.averagePrecision(ties, level: 0, total: others.count(where: isRelevant)) else {
        continue
      }
      maps.append(value)
      precisions.append(measures.precisions(ties, level: 0, depth: 5)[4])
    }
    let count = Double(maps.count)
    return (maps.reduce(0, +) / count, precisions.reduce(0, +) / count, maps.count)
  }

  @Test(arguments: [true, false])
  func everyRankingIsWhatItsRuleSays(searchesItself: Bool) async throws {
    let all = pictures(60, seed: 5)
    let queries = Array(all[..<23])
    let database = searchesItself ? queries : Array(all[23...])
    let reports = try await RetrievalEvaluation(queries: queries, database: database, options: Self.options).rankings()
    #expect(reports.map(\.lambda) == [nil, 0.6, nil, 0.6, nil, nil])
    for (report, rule) in zip(reports, rules) {
      for (level, columns) in [["type"], ["type", "colour"]].enumerated() {
        let expected = measured(rule, queries: queries, database: database, columns: columns)
        let value = report.measures[level]
        #expect(value.queries == expected.queries, "\(report.name)")
        #expect(abs(value.meanAveragePrecision - expected.map) < 1e-9, "\(report.name), \(columns)")
        #expect(abs(value.curve[4] - expected.precision) < 1e-9, "\(report.name), \(columns)")
        #expect(value.precision.map(\.k) == [1, 5])
        #expect(value.precision[1].value == value.curve[4])
      }
    }
  }

  @Test func withoutAttributesThereIsNoReRanking() async throws {
    var options = Self.options
    options.weights = [:]
    let all = pictures(20, seed: 6)
    let reports = try await RetrievalEvaluation(queries: all, database: all, options: options).rankings()
    #expect(reports.count == 4)
  }

  @Test func recognitionIsTheShareOfRightNames() {
    func picture(_ type: String, _ said: [String], colour: String?, _ saidColour: String?) -> LabelledPicture {
      LabelledPicture(
        id: "", labels: ["type": type, "colour": colour ?? ""], code: [], features: [], categories: said,
        attributes: saidColour.map { ["colour": $0] } ?? [:])
    }
    let report = RecognitionReport(
      [
        picture("a", ["a", "b", "c"], colour: "red", "red"), picture("b", ["a", "c", "b"], colour: "red", "blue"),
        picture("c", ["a", "b", "d", "c"], colour: "blue", nil), picture("d", ["d"], colour: nil, "red"),
      ], category: "type", attributes: ["colour"])
    #expect(report.top1 == 0.5)
    #expect(report.top3 == 0.75)
    #expect(report.attributes[0].pictures == 3)
    #expect(report.attributes[0].accuracy == 1.0 / 3)
    #expect(report.attributes[0].commonest == 2.0 / 3)
  }
}
