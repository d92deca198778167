import Testing
import ZooItems

@Suite("What items have by predictions")
struct PredictionTests {
  /// What a version says of every picture that it is asked about.
  private static func prediction(_ version: UInt32) -> Prediction {
    version == 1
      ? Prediction(category: "Bags", attributes: ["colour": "red", "season": "summer"])
      : Prediction(category: "Hats", attributes: ["colour": "blue", "sleeve": "long"])
  }

  /// An item with the code 0 of both versions, unless told, and a picture of its own.
  private func item(
    _ id: String, category: String = "Bags", attributes: [String: String] = ["colour": "red", "season": "summer"],
    predicted: PredictedFields = PredictedFields(), versions: [UInt32] = [1], picture: Int? = nil
  ) -> NewItem {
    var item = NewItem.testing(id, category: category, attributes: attributes, picture: picture)
    item.predicted = predicted
    item.picture.data = [1]
    item.picture.codes = Dictionary(uniqueKeysWithValues: versions.map { ($0, code(0)) })
    item.picture.predictions = Dictionary(uniqueKeysWithValues: versions.map { ($0, Self.prediction($0)) })
    return item
  }

  private static let all = PredictedFields(category: true, attributes: ["colour", "season"])

  /// Items of which all, a part and nothing goes by predictions.
  private var items: [NewItem] {
    [
      item("all", predicted: Self.all), item("given"),
      item("category", category: "Shoes", predicted: .init(attributes: ["colour", "season"])),
      item(
        "colour", attributes: ["colour": "white", "season": "summer"],
        predicted: .init(category: true, attributes: ["season"])),
      item(
        "none", attributes: ["season": "summer"], predicted: .init(category: true, attributes: ["season", "sleeve"])),
    ]
  }

  private func words(_ store: any ItemStore) async throws -> [String: [String: String]] {
    let items = try await store.items(after: 0, limit: 1000)
    return Dictionary(uniqueKeysWithValues: items.map { ($0.id, $0.attributes.merging(["": $0.category]) { $1 }) })
  }

  private func hash(_ store: any ItemStore, version: UInt32 = 2) async throws {
    let pictures = try await store.pictures(withoutCodeOf: version, after: nil, limit: 1000)
    try await store.setCodes(
      pictures.map { PictureCode(picture: $0, code: code(0), prediction: Self.prediction(version)) }, of: version)
  }

  private func activate(_ version: UInt32, _ store: any ItemStore, next: UInt32? = nil) async throws {
    var settings = try await store.settings()
    settings.active = .init(version: version, bits: 64)
    settings.next = next.map { .init(version: $0, bits: 64) }
    try await store.save(settings)
  }

  @Test("they are the new version's with the switch, and not before; what was given stays", arguments: Stores.all)
  func switching(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      let new = items
      _ = try await index.store.put(new)
      try await index.store.addVersion(2, bits: 64)
      try await activate(1, index.store, next: 2)
      let before = try await words(index.store)
      try await hash(index.store)
      index = try await index.reopened()
      #expect(try await words(index.store) == before)
      for version in [1, 2] as [UInt32] {
        #expect(try await index.store.ids(version: version, categories: ["Hats"]) == [])
        #expect(
          try await index.store.ids(version: version, categories: ["Bags"]) == ["all", "given", "colour", "none"])
      }

      try await activate(2, index.store)
      for _ in 0..<3 {
        let store = index.store
        #expect(
          try await words(store) == [
            "all": ["": "Hats", "colour": "blue"], "given": ["": "Bags", "colour": "red", "season": "summer"],
            "category": ["": "Shoes", "colour": "blue"], "colour": ["": "Hats", "colour": "white"],
            "none": ["": "Hats", "sleeve": "long"],
          ])
        #expect(try await store.items(after: 0, limit: 9).map(\.number) == [1, 2, 3, 4, 5])
        #expect(try await store.items(after: 0, limit: 9).map(\.predicted) == new.map(\.predicted))
        #expect(try await store.statistics().categories == ["Bags": 1, "Hats": 3, "Shoes": 1])
        // Whichever version's codes are compared.
        for version in try await store.widths().bits.keys {
          #expect(try await store.ids(version: version, categories: ["Hats"]) == ["all", "colour", "none"])
          #expect(try await store.ids(version: version, categories: ["Bags"]) == ["given"])
          #expect(
            try await store.ids(version: version, filters: [.init(attribute: "colour", values: ["blue"])])
              == ["all", "category"])
          let matches = try await store.nearest(NearestQuery(code: code(0), version: version, k: 9)).matches
          #expect(matches.map(\.category) == ["Hats", "Bags", "Shoes", "Hats", "Hats"])
          #expect(matches[0].attributes == ["colour": "blue"])
        }
        try await store.removeVersion(1)
        try await store.rebuild()
        index = try await index.reopened()
      }
      // They come and go like others.
      #expect(try await index.store.remove(["all", "none", "given"]) == [true, true, true])
      #expect(try await index.store.ids(version: 2) == ["category", "colour"])
      #expect(try await index.store.statistics().categories == ["Hats": 1, "Shoes": 1])
    }
  }

  @Test("items that are put, replaced and removed on the way", arguments: Stores.all)
  func meanwhile(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put(items)
      try await store.addVersion(2, bits: 64)
      try await activate(1, store, next: 2)
      try await hash(store)
      _ = try await store.put([
        item("new", predicted: Self.all, versions: [1, 2]),
        // What was given before goes by predictions now, and the other way round.
        item("given", predicted: Self.all, versions: [1, 2], picture: 77), item("all", versions: [1, 2], picture: 78),
        // Shows a picture that is there, which says of it what the store does not know.
        item("again", predicted: .init(category: true), versions: [1, 2], picture: 77),
      ])
      #expect(try await store.remove(["colour", "none"]) == [true, true])
      try await activate(2, store)
      #expect(
        try await words(store) == [
          "all": ["": "Bags", "colour": "red", "season": "summer"], "given": ["": "Hats", "colour": "blue"],
          "category": ["": "Shoes", "colour": "blue"], "new": ["": "Hats", "colour": "blue"],
          "again": ["": "Hats", "colour": "red", "season": "summer"],
        ])
      #expect(try await store.ids(version: 2, categories: ["Hats"]) == ["new", "given", "again"])
      // And back, as long as the older version is there.
      try await activate(1, store)
      #expect(try await words(store)["given"] == ["": "Bags", "colour": "red", "season": "summer"])
      #expect(try await store.ids(version: 1, categories: ["Hats"]) == [])
      #expect(try await store.ids(version: 1, categories: ["Bags"]) == ["new", "given", "all", "again"])
      try await store.rebuild()
    }
  }

  @Test("an item keeps what it has where the new version has said nothing", arguments: Stores.all)
  func silent(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      var code = item("code", predicted: Self.all)
      code.picture.data = nil
      _ = try await store.put([code, item("nothing", predicted: Self.all), item("no category", predicted: Self.all)])
      try await store.addVersion(2, bits: 64)
      try await store.setCodes(
        [
          PictureCode(
            picture: NewItem.testing("no category").picture.hash, code: ZooStoreTests.code(0),
            prediction: Prediction(attributes: ["season": "winter"]))
        ], of: 2)
      try await activate(2, store)
      let old = ["": "Bags", "colour": "red", "season": "summer"]
      #expect(
        try await words(store) == ["code": old, "nothing": old, "no category": ["": "Bags", "season": "winter"]])
      #expect(try await store.statistics().categories == ["Bags": 3])
    }
  }

  @Test("what a version said is forgotten with it", arguments: Stores.all)
  func forgotten(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put(items)
      let before = try await words(store)
      try await store.addVersion(2, bits: 64)
      try await hash(store)
      try await store.removeVersion(2)
      #expect(try await words(store) == before)
      try await store.addVersion(2, bits: 64)
      #expect(try await store.picture(NewItem.testing("all").picture.hash)?.predictions == [1: Self.prediction(1)])
      try await activate(2, store)
      #expect(try await words(store) == before)
    }
  }
}
