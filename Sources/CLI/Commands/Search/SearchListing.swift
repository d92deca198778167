import Foundation
import ZooProtocol
import ZooReporting

/// The results of a search, for people.
struct SearchListing {
  /// Says why each result stands where it does.
  let isExplained: Bool

  func print(_ answer: SearchAnswer) {
    Output.print(Output.bold(answer.query.name))
    if let error = answer.error { return Output.note("zoo: \(answer.query.name): \(error)") }
    let result = answer.result
    if isExplained { explain(result) }
    if result.hits.isEmpty {
      Output.print("  nothing was found")
    } else if isExplained {
      for (place, hit) in result.hits.enumerated() { explain(hit, place: place + 1, result) }
    } else {
      Output.print(table(result))
    }
    let searched = result.searched.isEmpty ? "all categories" : result.searched.joined(separator: ", ")
    Output.print(Output.dim("searched \(searched): \(result.plan)"))
    Output.print(Output.dim(result.timingSummary))
  }

  private func table(_ result: WireSearchResult) -> String {
    let names = Set(result.hits.flatMap(\.attributes.keys)).union(result.attributes.keys).sorted()
    var table = Table(
      [
        ("RANK", .trailing), ("ID", .leading), ("SCORE", .trailing), ("APPEARANCE", .trailing),
        ("ATTRIBUTES", .trailing), ("DISTANCE", .trailing), ("CATEGORY", .leading),
      ] + names.map { ($0, .leading) })
    for (place, hit) in result.hits.enumerated() {
      table.add(
        [
          "\(place + 1)", hit.id, Self.score(hit.score), Self.score(hit.appearance),
          hit.attributeShare.map(Self.score) ?? "", "\(hit.distance)", hit.category,
        ] + names.map { hit.attributes[$0] ?? "" })
    }
    return table.text
  }

  /// What the model saw in the query.
  private func explain(_ result: WireSearchResult) {
    Output.print(Pictures.bars(result.categories.map { ($0.name, $0.probability) }))
    for (name, value) in result.attributes.sorted(by: { $0.key < $1.key }) { Output.print("  \(name): \(value)") }
    Output.print("  λ \(Units.plain(result.lambda)), \(result.bits) bits of version \(result.version)")
  }

  private func explain(_ hit: WireSearchHit, place: Int, _ result: WireSearchResult) {
    let parts = result.parts(of: hit)
    Output.print(
      "\(place)  \(Output.bold(hit.id))  \(hit.category)  \(Self.score(hit.score)) = "
        + "\(Self.score(parts.appearance)) appearance + \(Self.score(parts.attributes)) attributes")
    Output.print("   \(hit.distance) of \(result.bits) bits differ: appearance \(Self.score(hit.appearance))")
    let total = hit.matches.reduce(0) { $0 + $1.weight }
    var table = Table([("", .leading), ("", .leading), ("", .leading), ("", .leading), ("", .trailing)])
    for match in hit.matches {
      let part = match.equal && total > 0 ? (1 - result.lambda) * match.weight / total : 0
      table.add([
        "  ", match.attribute, "\(match.query) \(match.equal ? "=" : "≠") \(match.item.isEmpty ? "none" : match.item)",
        "weight \(Units.plain(match.weight)) of \(Units.plain(total))", "+\(Self.score(part))",
      ])
    }
    if !hit.matches.isEmpty { Output.print(table.rowsText) }
  }

  private static func score(_ score: Double) -> String { String(format: "%.3f", score) }
}
