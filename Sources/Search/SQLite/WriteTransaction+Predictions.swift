internal import GRDB
import ZooItems

extension WriteTransaction {
  /// What an item gets by: many share theirs.
  private struct Case: Hashable {
    let label: UInt32
    let predicted: String
    let prediction: String
  }

  /// Items that are read together.
  private static let page = 10_000
  /// Cases that are remembered.
  private static let cases = 100_000

  /// Gives the items that go by predictions those of a version, where their pictures have one. What is in memory of them
  /// is for the caller to read anew; nothing else is written in the same transaction.
  mutating func applyPredictions(of version: UInt32) throws {
    var labels: [Case: UInt32] = [:]
    var last: Int64 = 0
    while true {
      let page = try rows(
        """
        SELECT items.number, items.label, items.predicted, predictions.prediction
        FROM items CROSS JOIN \(Schema.predictions(of: version)) AS predictions ON predictions.picture = items.picture
        WHERE items.number > ? AND items.predicted IS NOT NULL ORDER BY items.number LIMIT ?
        """, [last, Self.page])
      guard let end = page.last else { return }
      last = end[0]
      for row in page {
        let key = Case(label: row[1], predicted: row[2], prediction: row[3])
        let label = try labels[key] ?? self.label(of: key)
        if labels.count == Self.cases { labels.removeAll() }
        labels[key] = label
        guard label != key.label else { continue }
        try execute("UPDATE items SET label = ? WHERE number = ?", [Int64(label), row[0] as Int64])
      }
    }
  }

  private mutating func label(of key: Case) throws -> UInt32 {
    let predicted = try PredictedFields(json: key.predicted, "predicted of an item")
    let prediction = try Prediction(json: key.prediction, "a prediction")
    let (category, attributes) = predicted.applying(
      prediction, to: view.category(ofLabel: key.label), view.attributes(ofLabel: key.label))
    return try label(category: try self.category(category), attributes)
  }
}
