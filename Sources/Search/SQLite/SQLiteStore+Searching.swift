import ZooHamming
public import ZooItems

extension SQLiteStore {
  public func nearest(_ query: NearestQuery) async throws -> NearestAnswer {
    let query = try query.checked()
    for _ in 0..<100 {
      if let answer = try answer(query) { return answer }
    }
    throw SearchError(.internal, "the search was overtaken by removals again and again: rebuild the index")
  }

  /// - Returns: nil where something went between a look at the index and one at the catalogue.
  private func answer(_ query: NearestQuery) throws -> NearestAnswer? {
    let memory = try resident.memory()
    try memory.widths.check(query.code, of: query.version, "code")
    guard let index = memory.indexes[query.version] else {
      throw SearchError(.internal, "version \(query.version) of the hasher has no index: open the index again")
    }
    // In this order: of what the snapshot has, the view lacks no more than what is removed at this moment.
    let snapshot = index.snapshot()
    let view = memory.catalogue.view
    let found = snapshot.nearest(
      to: query.code, k: query.k, partitions: query.categories.map { $0.compactMap(memory.catalogue.category) },
      accepting: query.filters.isEmpty
        ? nil : memory.filters.labels(accepting: query.filters, memory.catalogue, view))
    var words: [UInt32: (category: String, attributes: [String: String])] = [:]
    var matches: [Match] = []
    matches.reserveCapacity(found.neighbours.count)
    for neighbour in found.neighbours {
      guard let label = view.items[neighbour.number] else { return nil }
      let shared = words[label] ?? (view.category(ofLabel: label), view.attributes(ofLabel: label))
      words[label] = shared
      matches.append(
        Match(
          number: neighbour.number, distance: neighbour.distance, category: shared.category,
          attributes: shared.attributes))
    }
    return NearestAnswer(matches: matches, plan: "\(found.plan)")
  }
}
