import Foundation
import ZooEvaluation
import ZooReporting

/// What an evaluation found, for programs and for people.
struct EvaluationReport: Encodable {
  struct Database: Encodable {
    let name: String
    let pictures: Int
    let rankings: [RankingReport]
  }

  let model: String
  let bits: Int
  let pictures: Int
  let categories: Int
  let queries: Int
  let rule: String
  let leftOutCategories: [String]
  let leftOutPictures: Int
  let picturesWithoutRow: Int
  let rowsWithoutPicture: Int
  /// How many of the nearest are ranked by their attributes; 0 for all.
  let candidates: Int
  let recognition: RecognitionReport
  var databases: [Database] = []
  let failed: [HashedPictures.Failure]

  init(
    model: String, bits: Int, selection: EvaluationSelection, candidates: Int, failed: [HashedPictures.Failure],
    recognition: RecognitionReport
  ) {
    self.model = model
    self.bits = bits
    pictures = selection.entries.count
    categories = selection.categories
    queries = selection.queries.count
    rule = selection.rule
    leftOutCategories = selection.leftOut
    leftOutPictures = selection.leftOutPictures
    picturesWithoutRow = selection.withoutRow
    rowsWithoutPicture = selection.withoutPicture
    self.candidates = candidates
    self.recognition = recognition
    self.failed = failed
  }

  func print(asJSON: Bool) throws {
    if asJSON { return try Output.json(self) }
    Output.print(
      Output.bold(model) + ", \(bits) bits: \(pictures) pictures in \(categories) categories, \(queries) queries")
    Output.print("queries: \(rule)")
    if !leftOutCategories.isEmpty {
      Output.print(
        "left out: \(leftOutCategories.count) categories with fewer than \(HeldOutSplit.leastPictures) pictures, "
          + "\(leftOutPictures) pictures")
    }
    if picturesWithoutRow > 0 { Output.print("left out: \(picturesWithoutRow) pictures without a label") }
    Output.print(
      "category: \(Self.percent(recognition.top1)) right with the first name, \(Self.percent(recognition.top3)) within "
        + "three")
    for attribute in recognition.attributes {
      let share = Self.percent(attribute.accuracy)
      Output.print(
        "\(attribute.name): \(share) right of \(attribute.pictures); the commonest value has "
          + Self.percent(attribute.commonest))
    }
    for database in databases {
      Output.print()
      Output.print(Output.bold("searched: \(database.name)"))
      Output.print(table(database.rankings))
    }
    for failure in failed { Output.note("zoo: \(failure.picture): \(failure.reason)") }
  }

  /// A block of rows for each relevance.
  private func table(_ rankings: [RankingReport]) -> String {
    let ks = rankings.first?.measures.first?.precision.map(\.k) ?? []
    var table = Table(
      [("RELEVANT", .leading), ("RANKED BY", .leading), ("MAP", .trailing), ("±", .trailing)]
        + ks.map { ("P@\($0)", .trailing) })
    for level in (rankings.first?.measures ?? []).indices {
      for (row, ranking) in rankings.enumerated() {
        let measures = ranking.measures[level]
        let name = level == 0 ? "same \(measures.relevance)" : "and same \(measures.relevance)"
        table.add(
          [
            row == 0 ? name : row == 1 ? "\(measures.queries) queries" : "", ranking.name,
            String(format: "%.4f", measures.meanAveragePrecision), String(format: "%.4f", measures.standardError),
          ] + measures.precision.map { String(format: "%.3f", $0.value) })
      }
    }
    return table.text
  }

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
}
