import Foundation
import SwiftProtobuf
import Synchronization
import ZooItems
import ZooProtocol

extension OpenIndex {
  /// What a search looks for.
  private struct Query {
    var code: [UInt8]
    /// The likeliest first, by the model; the item's own where the query is an item.
    var categories: [WireLabel]
    var attributes: [String: String]
    /// An item of the index does not find itself.
    var number: UInt32?
    var hashed: Duration = .zero
  }

  func search(_ call: WireSearchCall, deadline: ContinuousClock.Instant) async throws -> WireSearchResult {
    while true {
      let (settings, isSwitching) = state.withLock { ($0.settings, $0.isSwitching) }
      if isSwitching, call.version == 0 {
        await writing.shared {}
        continue
      }
      let result: Result<WireSearchResult, any Error>
      do {
        result = .success(try await search(call, settings: settings, deadline: deadline))
      } catch {
        result = .failure(error)
      }
      // Where another version became the active one meanwhile, or is about to, the codes of the one that it began with
      // have gone, or what it found has the other one's predictions.
      let isSame = state.withLock { $0.settings.active == settings.active && !$0.isSwitching }
      if call.version != 0 || isSame { return try result.get() }
    }
  }

  private func search(
    _ call: WireSearchCall, settings: IndexSettings, deadline: ContinuousClock.Instant
  ) async throws -> WireSearchResult {
    let hasher = try hasher(version: call.version, of: settings)
    let k = call.k == 0 ? 10 : Int(call.k)
    guard k <= ItemLimits.k, call.candidates <= ItemLimits.k else {
      throw SearchError(
        .invalid, "k is \(call.k) and candidates \(call.candidates): ask for at most \(ItemLimits.k)")
    }
    let candidates = max(k, call.candidates == 0 ? max(200, 4 * k) : Int(call.candidates))
    let lambda = try Self.lambda(call, of: settings)
    let weights = call.weights.isEmpty ? settings.attributes : try Self.weights(call.weights, of: settings)
    let filters = try Self.filters(call.filters, of: settings)

    var query = try await self.query(call, by: hasher, settings: settings, deadline: deadline)
    for (name, value) in call.attributes {
      try Self.check(attribute: name, field: "attributes", of: settings)
      query.attributes[name] = value.isEmpty ? nil : value
    }
    var categories: [String]?
    if !call.allCategories {
      categories = call.categories.isEmpty ? query.categories.map(\.name) : call.categories
      guard categories?.isEmpty == false else {
        throw SearchError(
          .invalid, "categories is empty and a code does not tell its own: name categories, or set all_categories")
      }
    }

    let nearest = NearestQuery(
      code: query.code, version: hasher.version, k: candidates + (query.number == nil ? 0 : 1),
      categories: categories, filters: filters)
    let ranking = Ranking(bits: hasher.bits, lambda: lambda, attributes: query.attributes, weights: weights)
    var result = try await ranked(nearest, k: k, without: query.number, by: ranking, explains: call.explain)
    result.categories = query.categories
    result.attributes = query.attributes
    result.searched = categories ?? []
    result.version = hasher.version
    result.bits = UInt32(hasher.bits)
    result.lambda = lambda
    result.timing.hashUs = query.hashed.wholeMicroseconds
    return result
  }

  /// Finds, ranks and reads. Where an item went or was replaced between being found and being read, all of it is done
  /// again, so that an item which was there all the time is not missed.
  private func ranked(
    _ query: NearestQuery, k: Int, without itself: UInt32?, by ranking: Ranking, explains: Bool
  ) async throws -> WireSearchResult {
    var result = WireSearchResult()
    for _ in 0..<3 {
      let start = ContinuousClock.now
      let answer = try await store.nearest(query)
      let found = ContinuousClock.now
      let ranked = ranking.ranked(answer.matches.filter { $0.number != itself }, k: k)
      let sorted = ContinuousClock.now
      let items = try await store.items(numbers: ranked.map(\.match.number))
      result.hits = zip(ranked, items).compactMap { ranked, item in
        guard let item else { return nil }
        return WireSearchHit(ranked, item, terms: explains ? ranking.explanation(of: ranked.match) : [])
      }
      result.plan = answer.plan
      result.timing.nearestUs = (found - start).wholeMicroseconds
      result.timing.rankUs = (sorted - found).wholeMicroseconds
      result.timing.fetchUs = (.now - sorted).wholeMicroseconds
      if result.hits.count == ranked.count { break }
    }
    return result
  }

  private func query(
    _ call: WireSearchCall, by hasher: IndexSettings.Hasher, settings: IndexSettings,
    deadline: ContinuousClock.Instant
  ) async throws -> Query {
    switch call.query {
    case .picture(let data):
      let hashed = try await self.hasher.hash(
        data, by: settings.model, version: hasher.version, categories: settings.topCategories, deadline: deadline)
      let known = Set(settings.attributes.map(\.name))
      return Query(
        code: hashed.code, categories: hashed.categories,
        attributes: hashed.attributes.filter { known.contains($0.key) }, hashed: hashed.duration)
    case .item(let id):
      guard let item = try await store.items(ids: [id])[0] else {
        throw SearchError(.notFound, "item is \"\(id)\": the index \(name) has none of that id")
      }
      guard let code = try await store.picture(item.picture)?.codes[hasher.version] else {
        throw SearchError(
          .failedPrecondition, "item \"\(id)\" has no code of version \(hasher.version) yet: ask for another version")
      }
      return Query(
        code: code, categories: [.with { ($0.name, $0.probability) = (item.category, 1) }], attributes: item.attributes,
        number: item.number)
    case .code(let code):
      guard code.bits == hasher.bits, code.data.count == hasher.bits / 8 else {
        throw SearchError(
          .invalid,
          "code has \(code.bits) bits in \(code.data.count) bytes: the index's have \(hasher.bits) in \(hasher.bits / 8)"
        )
      }
      return Query(code: [UInt8](code.data), categories: [], attributes: [:])
    case nil:
      throw SearchError(.invalid, "query is not set: send a picture, the id of an item, or a code")
    }
  }

  private func hasher(version: UInt32, of settings: IndexSettings) throws -> IndexSettings.Hasher {
    guard version != 0 else { return settings.active }
    let known = [settings.active, settings.next].compactMap { $0 }
    guard let hasher = known.first(where: { $0.version == version }) else {
      throw SearchError(
        .invalid,
        "version is \(version): the index \(name) has codes of \(known.map { "\($0.version)" }.joined(separator: ", "))"
      )
    }
    return hasher
  }

  // MARK: Checks

  static func check(attribute: String, field: String, of settings: IndexSettings) throws {
    guard settings.attributes.contains(where: { $0.name == attribute }) else {
      let known = settings.attributes.map(\.name).joined(separator: ", ")
      throw SearchError(
        .invalid, "\(field) has \"\(attribute)\": the index has \(known.isEmpty ? "no attributes" : known)")
    }
  }

  static func weights(_ wire: [WireIndexAttribute], of settings: IndexSettings) throws -> [IndexSettings.Attribute] {
    try wire.map { attribute in
      try check(attribute: attribute.name, field: "weights", of: settings)
      return try IndexSettings.Attribute(attribute)
    }
  }

  private static func lambda(_ call: WireSearchCall, of settings: IndexSettings) throws -> Double {
    guard case .lambda(let lambda)? = call.lambdaChoice else { return settings.lambda }
    try checkLambda(lambda)
    return lambda
  }

  static func checkLambda(_ lambda: Double) throws {
    guard 0...1 ~= lambda else { throw SearchError(.invalid, "lambda is \(lambda): give 0 to 1") }
  }

  private static func filters(_ wire: [WireAttributeFilter], of settings: IndexSettings) throws -> [AttributeFilter] {
    try wire.map { filter in
      try check(attribute: filter.attribute, field: "filters", of: settings)
      guard !filter.values.isEmpty else {
        throw SearchError(.invalid, "filters.\(filter.attribute) has no values: name one or more")
      }
      return AttributeFilter(attribute: filter.attribute, values: filter.values)
    }
  }
}

extension IndexSettings.Attribute {
  init(_ wire: WireIndexAttribute) throws {
    guard !wire.name.isEmpty, wire.name.utf8.count <= ItemLimits.attributeBytes else {
      throw SearchError(
        .invalid, "attributes has the name \"\(wire.name)\": give 1 to \(ItemLimits.attributeBytes) bytes")
    }
    guard wire.weight >= 0, wire.weight.isFinite else {
      throw SearchError(.invalid, "the weight of \(wire.name) is \(wire.weight): give 0 or more")
    }
    self.init(name: wire.name, weight: wire.weight)
  }
}

extension WireSearchHit {
  init(_ ranked: Ranking.Ranked, _ item: Item, terms: [Ranking.Term]) {
    self.init()
    id = item.id
    score = ranked.score
    appearance = ranked.appearance
    if let attributes = ranked.attributes { attributeScore = attributes }
    distance = UInt32(ranked.match.distance)
    category = item.category
    attributes = item.attributes
    link = item.link
    pictureSha256 = "\(item.picture)"
    matches = terms.map { term in
      var match = WireAttributeMatch()
      match.attribute = term.attribute
      match.query = term.query
      match.item = term.item ?? ""
      match.weight = term.weight
      match.equal = term.isEqual
      return match
    }
  }
}

extension Duration {
  var wholeMicroseconds: UInt64 { UInt64(max(0, self / .microseconds(1))) }
}
