import ZooItems

/// What a store is to answer: dictionaries, and a search that looks at everything.
struct ReferenceModel {
  struct Picture {
    var codes: [UInt32: [UInt8]]
    var data: [UInt8]?
    var predictions: [UInt32: Prediction] = [:]
  }

  private(set) var widths: [UInt32: Int]
  private(set) var items: [String: Item] = [:]
  private(set) var pictures: [ContentHash: Picture] = [:]
  private var nextNumber: UInt32 = 1

  init(_ settings: IndexSettings) {
    widths = [settings.active.version: settings.active.bits]
  }

  mutating func put(_ new: [NewItem]) -> [PutOutcome] {
    let outcomes = new.map { new in
      let number = nextNumber
      nextNumber += 1
      let replaced = items.removeValue(forKey: new.id) != nil
      let duplicate = items.values.filter { $0.picture == new.picture.hash }.min { $0.number < $1.number }
      items[new.id] = Item(
        number: number, id: new.id, category: new.category, attributes: new.attributes, link: new.link,
        picture: new.picture.hash, predicted: new.predicted)
      var picture = pictures[new.picture.hash] ?? Picture(codes: [:], data: nil)
      picture.data = picture.data ?? new.picture.data
      for (version, code) in new.picture.codes {
        picture.codes[version] = picture.codes[version] ?? code
        picture.predictions[version] = picture.predictions[version] ?? new.picture.predictions[version]
      }
      pictures[new.picture.hash] = picture
      return PutOutcome(number: number, replaced: replaced, duplicateOf: duplicate?.id)
    }
    dropPictures()
    return outcomes
  }

  mutating func remove(_ ids: [String]) -> [Bool] {
    let removed = ids.map { items.removeValue(forKey: $0) != nil }
    dropPictures()
    return removed
  }

  private mutating func dropPictures() {
    let shown = Set(items.values.map(\.picture))
    pictures = pictures.filter { shown.contains($0.key) }
  }

  // MARK: Versions of the hasher

  mutating func addVersion(_ version: UInt32, bits: Int) { widths[version] = bits }

  mutating func setCodes(_ codes: [PictureCode], of version: UInt32) {
    for code in codes where pictures[code.picture] != nil {
      pictures[code.picture]?.codes[version] = code.code
      pictures[code.picture]?.predictions[version] = code.prediction
    }
  }

  mutating func removeVersion(_ version: UInt32) {
    widths[version] = nil
    for hash in pictures.keys {
      pictures[hash]?.codes[version] = nil
      pictures[hash]?.predictions[version] = nil
    }
  }

  mutating func activate(_ version: UInt32) {
    for (id, item) in items {
      guard let prediction = pictures[item.picture]?.predictions[version] else { continue }
      if item.predicted.category, prediction.category != "" { items[id]?.category = prediction.category }
      for name in item.predicted.attributes { items[id]?.attributes[name] = prediction.attributes[name] }
    }
  }

  func pictures(withoutCodeOf version: UInt32, after hash: ContentHash?, limit: Int) -> [ContentHash] {
    let without = pictures.filter { $0.value.data != nil && $0.value.codes[version] == nil }.keys.sorted()
    return Array(without.filter { hash == nil || hash! < $0 }.prefix(limit))
  }

  // MARK: Looking

  func nearest(_ query: NearestQuery) -> [Match] {
    let matches = items.values.compactMap { item -> Match? in
      guard let code = pictures[item.picture]?.codes[query.version],
        query.categories?.contains(item.category) ?? true,
        query.filters.allSatisfy({ $0.accepts(item.attributes) })
      else { return nil }
      let distance = zip(code, query.code).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
      return Match(number: item.number, distance: distance, category: item.category, attributes: item.attributes)
    }
    return Array(matches.sorted { ($0.distance, $0.number) < ($1.distance, $1.number) }.prefix(query.k))
  }

  var itemsInOrder: [Item] { items.values.sorted { $0.number < $1.number } }

  /// The counts of ``StoreStatistics``.
  var statistics: StoreStatistics {
    var statistics = StoreStatistics()
    statistics.items = items.count
    statistics.pictures = pictures.count
    for item in items.values { statistics.categories[item.category, default: 0] += 1 }
    for version in widths.keys {
      statistics.codes[version] = pictures.values.count { $0.codes[version] != nil }
    }
    return statistics
  }
}
