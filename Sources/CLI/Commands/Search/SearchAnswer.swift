import Foundation
import ZooClient
import ZooProtocol
import ZooReporting

/// A search that was made, with what came of it.
struct SearchAnswer: Sendable {
  enum Query: Sendable {
    case photo(String), item(String)

    var name: String {
      switch self {
      case .photo(let file): file
      case .item(let id): id
      }
    }
  }

  let query: Query
  /// Of a photo.
  private(set) var picture: Data?
  private(set) var result = WireSearchResult()
  private(set) var error: String?

  /// - Parameter template: all of the call but its query.
  /// - Throws: where the server cannot be reached.
  init(_ query: Query, _ template: WireSearchCall, _ client: ZooClient) async throws {
    self.query = query
    var call = template
    do {
      switch query {
      case .photo(let file):
        let data = try Files.read(URL(filePath: file))
        picture = data
        call.picture = data
      case .item(let id): call.item = id
      }
      result = try await client.search(call)
    } catch let error as ZooError where error.code != .unavailable {
      self.error = error.message
    }
  }
}

extension WireSearchHit {
  /// 0 where the query has no attributes.
  var attributeShare: Double? {
    if case .attributeScore(let score) = attributeScoreChoice { score } else { nil }
  }
}

extension WireSearchResult {
  /// λ · S_appearance and (1 − λ) · S_attributes of a hit; without attributes appearance decides alone.
  func parts(of hit: WireSearchHit) -> (appearance: Double, attributes: Double) {
    guard let share = hit.attributeShare else { return (hit.score, 0) }
    return (lambda * hit.appearance, (1 - lambda) * share)
  }

  /// Where the time went.
  var timingSummary: String {
    "hash \(Units.milliseconds(Double(timing.hashUs))), nearest \(Units.milliseconds(Double(timing.nearestUs))), "
      + "rank \(Units.milliseconds(Double(timing.rankUs))), fetch \(Units.milliseconds(Double(timing.fetchUs)))"
  }
}
