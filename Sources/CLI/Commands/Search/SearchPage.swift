import Foundation
import ZooClient
import ZooEvaluation
import ZooProtocol
import ZooReporting

/// Makes a contact sheet of searches; the results' pictures come from the server.
struct SearchPage: Sendable {
  /// Pictures that are fetched with one call.
  private static let batch = 16

  let index: String
  let client: ZooClient

  func sheet(_ answers: [SearchAnswer]) async throws -> ContactSheet {
    var wanted = Set(answers.flatMap { $0.result.hits.map(\.id) })
    for case .item(let id) in answers.map(\.query) { wanted.insert(id) }
    let pictures = try await pictures(of: wanted.sorted())
    let hits = answers.map { $0.result.hits.count }.max() ?? 0
    let lambda = answers.first { $0.error == nil }.map { ", λ \(Units.plain($0.result.lambda))" } ?? ""
    return ContactSheet(
      title: "Like \(answers.count == 1 ? answers[0].query.title : "\(answers.count) pictures")",
      summary: "Index \(index), the first \(hits) of each search\(lambda)",
      queries: answers.map { query($0, pictures) })
  }

  private func pictures(of ids: [String]) async throws -> [String: Data] {
    let (index, client) = (index, client)
    let items = try await ids.inBatches(of: Self.batch).concurrently(atMost: 2) { batch in
      try await client.items(batch, of: index, pictures: true)
    }.flatMap { $0 }
    return Dictionary(items.map { ($0.id, $0.picture) }) { first, _ in first }
  }

  private func query(_ answer: SearchAnswer, _ pictures: [String: Data]) -> ContactSheet.Query {
    let result = answer.result
    var query = ContactSheet.Query(title: answer.query.title, picture: answer.picture ?? pictures[answer.query.name])
    if let error = answer.error {
      query.notes = [error]
      return query
    }
    query.categories = result.categories.map { ($0.name, Double($0.probability)) }
    query.attributes = result.attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    let searched = result.searched.isEmpty ? "all categories" : result.searched.joined(separator: ", ")
    query.notes = ["Searched \(searched): \(result.plan)", result.timingSummary]
    query.results = result.hits.map { hit in
      let parts = result.parts(of: hit)
      var card = ContactSheet.Result(
        id: hit.id, picture: pictures[hit.id], category: hit.category, score: hit.score, distance: Int(hit.distance),
        bits: Int(result.bits), appearancePart: parts.appearance, attributesPart: parts.attributes)
      card.link = hit.link
      let names = Set(hit.attributes.keys).union(result.attributes.keys).sorted()
      card.attributes = names.map { name in
        .init(name: name, value: hit.attributes[name] ?? "", queryValue: result.attributes[name])
      }
      return card
    }
    return query
  }
}

extension SearchAnswer.Query {
  fileprivate var title: String {
    switch self {
    case .photo(let file): URL(filePath: file).lastPathComponent
    case .item(let id): "item \(id)"
    }
  }
}
