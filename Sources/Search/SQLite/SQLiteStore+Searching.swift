import ZooHamming
public import ZooItems

extension SQLiteStore {
  public func nearest(_ query: NearestQuery) async throws -> NearestAnswer {
    let query = try query.checked()
    let memory = try resident.memory()
    try memory.widths.check(query.code, of: query.version, "code")
    guard let index = memory.indexes[query.version] else {
      throw SearchError(.internal, "version \(query.version) of the hasher has no index: open the index again")
    }
    // In this order: labels are added before the items that have them.
    let snapshot = index.snapshot()
    let view = memory.catalogue.view
    let found = snapshot.nearest(
      to: query.code, k: query.k, partitions: query.categories.map { $0.compactMap(memory.catalogue.category) },
      accepting: query.filters.isEmpty
        ? nil : memory.filters.labels(accepting: query.filters, memory.catalogue, view))
    var words: [UInt32: (category: String, attributes: [String: String])] = [:]
    var matches: [Match] = []
    matches.reserveCapacity(found.neighbours.count)
    for (neighbour, label) in zip(found.neighbours, found.labels) {
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
