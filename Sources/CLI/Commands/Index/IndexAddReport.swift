import Foundation
import ZooEvaluation

/// What became of pictures that were to be added.
struct IndexAddReport: Encodable {
  struct Failure: Encodable {
    let id: String
    let picture: String
    let reason: String
  }

  struct Duplicate: Encodable {
    let id: String
    let of: String
  }

  private static let mostShown = 50

  let index: String
  let items: Int
  var added = 0
  var replaced = 0
  var unchanged = 0
  /// Items that the folder has no picture of, where they were to go.
  let removed: Int
  /// Items with a picture that another item had before them.
  var duplicates: [Duplicate] = []
  var failed: [Failure] = []
  let rowsWithoutPicture: [String]
  let picturesWithoutRow: [String]
  let seconds: Double
  let itemsPerSecond: Double

  init(
    index: String, outcomes: [ItemUploader.Outcome], removed: Int, catalogue: Catalogue, hasTable: Bool, seconds: Double
  ) {
    self.index = index
    self.removed = removed
    items = outcomes.count + catalogue.namesakes.count
    for outcome in outcomes {
      switch outcome.kind {
      case .added: added += 1
      case .replaced: replaced += 1
      case .unchanged: unchanged += 1
      case .failed(let reason): failed.append(Failure(id: outcome.id, picture: outcome.picture, reason: reason))
      }
      if !outcome.duplicateOf.isEmpty { duplicates.append(Duplicate(id: outcome.id, of: outcome.duplicateOf)) }
    }
    failed += catalogue.namesakes.map { picture in
      Failure(
        id: picture.deletingPathExtension().lastPathComponent, picture: picture.relativePath,
        reason: "another picture has its id: rename one")
    }
    rowsWithoutPicture = catalogue.rowsWithoutPicture
    picturesWithoutRow = hasTable ? catalogue.withoutRow.map(\.id) : []
    self.seconds = seconds
    itemsPerSecond = seconds > 0 ? Double(outcomes.count) / seconds : 0
  }

  /// As CSV: id, picture, reason.
  var failuresTable: String {
    CSVTable.line(["id", "picture", "reason"])
      + failed.map { CSVTable.line([$0.id, $0.picture, $0.reason]) }.joined()
  }

  func print(asJSON: Bool, failuresFile: String?) throws {
    if asJSON { return try Output.json(self) }
    let counts = [
      (added, "added"), (replaced, "replaced"), (unchanged, "unchanged"), (removed, "removed"),
      (failed.count, "failed"),
    ]
    let words = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    Output.print(
      "\(index): \(words) in \(String(format: "%.1f", seconds)) s, \(String(format: "%.0f", itemsPerSecond)) a second")
    if !duplicates.isEmpty {
      Output.print(
        "  \(duplicates.count) show the picture of another item: "
          + Output.listing(duplicates.map { "\($0.id) (of \($0.of))" }, most: 5))
    }
    if !picturesWithoutRow.isEmpty {
      Output.print(
        "  \(picturesWithoutRow.count) have no row in the table, and the model's word for all: "
          + Output.listing(picturesWithoutRow))
    }
    if !rowsWithoutPicture.isEmpty {
      Output.print("  \(rowsWithoutPicture.count) rows have no picture: \(Output.listing(rowsWithoutPicture))")
    }
    for failure in failed.prefix(Self.mostShown) { Output.note("zoo: \(failure.picture): \(failure.reason)") }
    if failed.count > Self.mostShown {
      Output.note(
        "zoo: and \(failed.count - Self.mostShown) more: "
          + (failuresFile.map { "\($0) has them all" } ?? "--failures FILE lists them all"))
    }
  }
}
