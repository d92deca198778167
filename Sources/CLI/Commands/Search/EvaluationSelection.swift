import Crypto
import ZooEvaluation
import ZooProtocol
import ZooReporting

/// Which of a catalogue's pictures are searched with, and which are searched.
struct EvaluationSelection: Sendable {
  /// All that are to be hashed.
  let entries: [Catalogue.Entry]
  /// Ids.
  let queries: [String]
  let rest: [String]
  let categories: Int
  /// How the queries were chosen, in words.
  let rule: String
  /// Categories that have too few pictures.
  let leftOut: [String]
  let leftOutPictures: Int
  let withoutRow: Int
  let withoutPicture: Int

  /// - Parameters:
  ///   - category: the column with the category; pictures without one are left out.
  ///   - queries: ids; nil for what `split` holds out.
  init(_ catalogue: Catalogue, category: String, sample: Int?, queries: [String]?, split: HeldOutSplit) throws {
    var labelled = catalogue.entries.filter { $0.fields?[category].map { !$0.isEmpty } ?? false }
    withoutRow = catalogue.entries.count - labelled.count
    withoutPicture = catalogue.rowsWithoutPicture.count
    if let sample, sample < labelled.count {
      func digest(_ entry: Catalogue.Entry) -> [UInt8] { Array(SHA256.hash(data: Array("sample:\(entry.id)".utf8))) }
      let chosen = labelled.map { (entry: $0, digest: digest($0)) }
        .sorted { $0.digest.lexicographicallyPrecedes($1.digest) }.prefix(sample).map(\.entry.id)
      let ids = Set(chosen)
      labelled = labelled.filter { ids.contains($0.id) }
    }
    let all = Dictionary(uniqueKeysWithValues: labelled.map { ($0.id, $0.fields?[category] ?? "") })
    if let queries {
      let unknown = queries.filter { all[$0] == nil }
      guard unknown.isEmpty else {
        throw ZooError(
          .invalidArgument,
          "--queries names pictures that are not there or have no \(category): \(Output.listing(unknown))")
      }
      let chosen = Set(queries)
      self.queries = chosen.sorted()
      rest = all.keys.filter { !chosen.contains($0) }.sorted()
      leftOut = []
      rule = "from a file"
    } else {
      let parts = split(all)
      self.queries = parts.heldOut
      rest = parts.rest
      leftOut = parts.leftOut
      rule = "\(Units.plain(split.part)) of each category, those with the smallest SHA-256 of \"\(split.seed):ID\""
    }
    let used = Set(self.queries + rest)
    entries = labelled.filter { used.contains($0.id) }
    leftOutPictures = labelled.count - entries.count
    categories = Set(entries.compactMap { all[$0.id] }).count
  }
}
