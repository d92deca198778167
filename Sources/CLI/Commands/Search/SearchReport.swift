import ZooProtocol

/// A search and its results, for programs.
struct SearchReport: Encodable {
  struct Category: Encodable {
    let name: String
    let probability: Float
  }

  struct Match: Encodable {
    let attribute: String
    let query: String
    let item: String
    let weight: Double
    let equal: Bool
  }

  struct Hit: Encodable {
    let rank: Int
    let id: String
    let score: Double
    let appearance: Double
    let attributeScore: Double?
    let distance: UInt32
    let category: String
    let attributes: [String: String]
    let link: String
    let pictureSHA256: String
    let matches: [Match]
  }

  struct Timing: Encodable {
    let hashUs: UInt64
    let nearestUs: UInt64
    let rankUs: UInt64
    let fetchUs: UInt64
  }

  let query: String
  let hits: [Hit]
  let categories: [Category]
  let attributes: [String: String]
  /// Empty for all.
  let searched: [String]
  let plan: String
  let version: UInt32
  let bits: UInt32
  let lambda: Double
  let timing: Timing
  let error: String?

  init(_ answer: SearchAnswer) {
    let result = answer.result
    query = answer.query.name
    hits = result.hits.enumerated().map { place, hit in
      Hit(
        rank: place + 1, id: hit.id, score: hit.score, appearance: hit.appearance, attributeScore: hit.attributeShare,
        distance: hit.distance, category: hit.category, attributes: hit.attributes, link: hit.link,
        pictureSHA256: hit.pictureSha256,
        matches: hit.matches.map {
          Match(attribute: $0.attribute, query: $0.query, item: $0.item, weight: $0.weight, equal: $0.equal)
        })
    }
    categories = result.categories.map { Category(name: $0.name, probability: $0.probability) }
    attributes = result.attributes
    searched = result.searched
    plan = result.plan
    version = result.version
    bits = result.bits
    lambda = result.lambda
    timing = Timing(
      hashUs: result.timing.hashUs, nearestUs: result.timing.nearestUs, rankUs: result.timing.rankUs,
      fetchUs: result.timing.fetchUs)
    error = answer.error
  }
}
