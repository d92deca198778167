import Testing
import ZooItems
import ZooSeeded

/// Does the same at random to a store and to the reference, and expects the same of both.
struct RandomHistory {
  private let plan: HistoryTests.Plan
  private var generator: SeededGenerator
  private(set) var model: ReferenceModel
  private var settings: IndexSettings
  private(set) var searches = 0
  private(set) var matches = 0

  init(_ plan: HistoryTests.Plan, _ settings: IndexSettings) {
    self.plan = plan
    self.settings = settings
    generator = SeededGenerator(seed: plan.seed)
    model = ReferenceModel(settings)
  }

  // MARK: What happens

  mutating func step(_ index: inout any IndexUnderTest) async throws {
    switch Int.random(in: 0..<1000, using: &generator) {
    case ..<600: try await put(index.store)
    case ..<880:
      let ids = (0..<Int.random(in: 1...4, using: &generator)).map { _ in id() }
      #expect(try await index.store.remove(ids) == model.remove(ids))
    case ..<970: try await hash(index.store)
    case ..<985: try await model.expectEqual(index.store)
    case ..<993: index = try await index.reopened()
    default: try await index.store.rebuild()
    }
  }

  private mutating func put(_ store: any ItemStore) async throws {
    let items = (0..<Int.random(in: 1...8, using: &generator)).map { _ in newItem() }
    #expect(try await store.put(items) == model.put(items))
  }

  /// The next step of hashing anew.
  private mutating func hash(_ store: any ItemStore) async throws {
    guard let next = settings.next else {
      let next = IndexSettings.Hasher(
        version: settings.active.version + 1, bits: [32, 64, 128, 256, 512].randomElement(using: &generator)!)
      try await store.addVersion(next.version, bits: next.bits)
      model.addVersion(next.version, bits: next.bits)
      settings.next = next
      return try await store.save(settings)
    }
    let page = try await store.pictures(withoutCodeOf: next.version, after: nil, limit: 50)
    #expect(page == model.pictures(withoutCodeOf: next.version, after: nil, limit: 50))
    guard page.isEmpty || generator.chance(0.1) else {
      let codes = page.map { picture in
        PictureCode(picture: picture, code: code(bits: next.bits), prediction: prediction())
      }
      try await store.setCodes(codes, of: next.version)
      return model.setCodes(codes, of: next.version)
    }
    let old = settings.active.version
    settings.active = next
    settings.next = nil
    try await store.save(settings)
    model.activate(next.version)
    if generator.chance(0.5) {
      try await model.expectEqual(store)
      try await search(store, count: 10, by: [next, .init(version: old, bits: model.widths[old]!)])
    }
    try await store.removeVersion(old)
    model.removeVersion(old)
  }

  // MARK: Searching

  mutating func search(_ store: any ItemStore, count: Int) async throws {
    try await search(store, count: count, by: [settings.active, settings.next].compactMap { $0 })
  }

  private mutating func search(
    _ store: any ItemStore, count: Int, by hashers: [IndexSettings.Hasher]
  ) async throws {
    for _ in 0..<count {
      let hasher = hashers.randomElement(using: &generator)!
      let query = NearestQuery(
        code: code(bits: hasher.bits), version: hasher.version,
        k: [0, 1, 3, 10, 10, 10, 50, 10_000].randomElement(using: &generator)!,
        categories: generator.chance(0.4)
          ? nil : (0..<Int.random(in: 0...3, using: &generator)).map { _ in category() },
        filters: (0..<[0, 0, 1, 2].randomElement(using: &generator)!).map { _ in filter() })
      let found = try await store.nearest(query).matches
      #expect(found == model.nearest(query), "\(query)")
      searches += 1
      matches += found.count
    }
  }

  // MARK: Random values

  private mutating func id() -> String { "id \(Int.random(in: 0..<plan.ids, using: &generator))" }

  private mutating func category() -> String { "category \(Int.random(in: 0...plan.categories, using: &generator))" }

  private mutating func attributes() -> [String: String] {
    var attributes: [String: String] = [:]
    for name in ["colour", "season", "sleeve"] where generator.chance(0.6) {
      attributes[name] = ["red", "blue", "green"].randomElement(using: &generator)!
    }
    return attributes
  }

  private mutating func filter() -> AttributeFilter {
    AttributeFilter(
      attribute: ["colour", "season", "sleeve", "size"].randomElement(using: &generator)!,
      values: (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        ["red", "blue", "green", "yellow"].randomElement(using: &generator)!
      })
  }

  /// Near one of a few, so that distances are small and often equal.
  private mutating func code(bits: Int) -> [UInt8] {
    var code = (0..<bits / 8).map { [0x00, 0xFF, 0x55, UInt8($0 & 0xFF)] }.map {
      $0[Int(plan.seed) % 2 == 0 ? 0 : $0.count - 1]
    }
    if generator.chance(0.3) { code = code.map { ~$0 } }
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      let bit = Int.random(in: 0..<bits, using: &generator)
      code[bit / 8] ^= 1 << (bit % 8)
    }
    return code
  }

  /// Of a category that items have, of one that they do not have, or of none.
  private mutating func prediction() -> Prediction {
    Prediction(category: generator.chance(0.1) ? "" : category(), attributes: attributes())
  }

  private mutating func predicted() -> PredictedFields {
    guard generator.chance(0.7) else { return PredictedFields() }
    return PredictedFields(
      category: generator.chance(0.5),
      attributes: Set(["colour", "season", "sleeve"].filter { _ in generator.chance(0.5) }))
  }

  private mutating func newItem() -> NewItem {
    let category = "category \(Int.random(in: 0..<plan.categories, using: &generator))"
    var picture = NewPicture(
      hash: .testing(Int.random(in: 0..<plan.pictures, using: &generator)),
      codes: [settings.active.version: code(bits: settings.active.bits)],
      data: generator.chance(0.8) ? [UInt8.random(in: 0...255, using: &generator)] : nil)
    if let next = settings.next, generator.chance(0.7) { picture.codes[next.version] = code(bits: next.bits) }
    if picture.data != nil, generator.chance(0.1) { picture.codes = [:] }
    // One may come without its code, which counts for nothing.
    for version in [settings.active, settings.next].compactMap({ $0?.version }) where generator.chance(0.8) {
      picture.predictions[version] = prediction()
    }
    return NewItem(
      id: id(), category: category, attributes: attributes(), link: generator.chance(0.5) ? "" : "https://x.example",
      picture: picture, predicted: predicted())
  }
}
