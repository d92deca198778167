import Testing
import ZooItems

@Suite("What is refused")
struct BadInputTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let field: String
    let change: @Sendable (inout NewItem) -> Void
    var testDescription: String { field }

    init(_ field: String, _ change: @escaping @Sendable (inout NewItem) -> Void) {
      self.field = field
      self.change = change
    }
  }

  static let rows: [Row] = [
    Row("items[1].id is empty") { $0.id = "" },
    Row("items[1].id has 201 bytes") { $0.id = String(repeating: "x", count: 201) },
    Row("items[1].id has 202 bytes") { $0.id = String(repeating: "é", count: 101) },
    Row("items[1].id has the control character 0") { $0.id = "a\u{0}b" },
    Row("items[1].id has the control character a") { $0.id = "a\nb" },
    Row("items[1].id has the control character 85") { $0.id = "a\u{85}b" },
    Row("items[1].category is empty") { $0.category = "" },
    Row("items[1].category has 201 bytes") { $0.category = String(repeating: "x", count: 201) },
    Row("items[1].attributes has 65 values") { item in
      item.attributes = Dictionary(uniqueKeysWithValues: (0..<65).map { ("\($0)", "x") })
    },
    Row("items[1].attributes is empty") { $0.attributes = ["": "red"] },
    Row("items[1].attributes.colour is empty") { $0.attributes = ["colour": ""] },
    Row("items[1].attributes.colour has 201 bytes") { $0.attributes = ["colour": String(repeating: "x", count: 201)] },
    Row("items[1].attributes.colour has the control character 9") { $0.attributes = ["colour": "\t"] },
    Row("items[1].link has 2001 bytes") { $0.link = String(repeating: "x", count: 2001) },
    Row("items[1].picture.data has 0 bytes") { $0.picture.data = [] },
    Row("items[1].picture.codes[1] has 7 bytes") { $0.picture.codes = [1: [0, 0, 0, 0, 0, 0, 0]] },
    Row("items[1].picture.codes[1] has 0 bytes") { $0.picture.codes = [1: []] },
    Row("items[1].picture.predictions[1].category has") { item in
      item.picture.predictions = [1: Prediction(category: "\u{7F}")]
    },
    Row("a name in items[1].predicted.attributes is empty") { $0.predicted.attributes = [""] },
    Row("items[1].predicted.attributes has 65 names") { $0.predicted.attributes = Set((0..<65).map { "\($0)" }) },
  ]

  @Test("an item that is beyond a limit, named by field and value", arguments: Stores.all, rows)
  func items(_ kind: any StoreUnderTest, _ row: Row) async throws {
    try await kind.withStore { store in
      var item = NewItem.testing("bad")
      row.change(&item)
      await expectError(.invalid, row.field) { _ = try await store.put([.testing("good"), item]) }
      let stored = try await store.items(after: 0, limit: 10)
      #expect(stored == [])
    }
  }

  @Test("what is at a limit is taken", arguments: Stores.all)
  func limits(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      var item = NewItem.testing(String(repeating: "é", count: 100), category: String(repeating: "c", count: 200))
      item.attributes = Dictionary(
        uniqueKeysWithValues: (0..<64).map { ("\($0)", String(repeating: "v", count: 200)) })
      item.link = String(repeating: "l", count: 2000)
      _ = try await index.store.put([item])
      index = try await index.reopened()
      let stored = try #require(try await index.store.items(ids: [item.id])[0])
      #expect(stored.category == item.category && stored.attributes == item.attributes && stored.link == item.link)
      let match = try await index.store.nearest(NearestQuery(code: code(0), version: 1, k: 1)).matches[0]
      #expect(match.attributes == item.attributes)
    }
  }

  @Test("too much at once, and numbers out of range", arguments: Stores.all)
  func calls(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      let many = ItemLimits.batch + 1
      await expectError(.invalid, "\(many) items") {
        _ = try await store.put((0..<many).map { NewItem.testing("\($0)") })
      }
      await expectError(.invalid, "\(many) ids") { _ = try await store.remove((0..<many).map { "\($0)" }) }
      await expectError(.invalid, "\(many) codes") {
        let one = PictureCode(picture: .testing(1), code: code(0), prediction: Prediction())
        try await store.setCodes(Array(repeating: one, count: many), of: 1)
      }
      await expectError(.invalid, "k is -1") { _ = try await store.ids(k: -1) }
      await expectError(.invalid, "k is 10001") { _ = try await store.ids(k: ItemLimits.k + 1) }
      await expectError(.invalid, "limit is -1") { _ = try await store.items(after: 0, limit: -1) }
      await expectError(.invalid, "limit is -1") {
        _ = try await store.pictures(withoutCodeOf: 1, after: nil, limit: -1)
      }
      await expectError(.invalid, "code has 3 bytes", "8") {
        _ = try await store.nearest(NearestQuery(code: [1, 2, 3], version: 1, k: 1))
      }
      await expectError(.failedPrecondition, "version 9", "1") { _ = try await store.ids(version: 9) }
      await expectError(.failedPrecondition, "version 9") { try await store.setCodes([], of: 9) }
      await expectError(.failedPrecondition, "version 9") {
        _ = try await store.pictures(withoutCodeOf: 9, after: nil, limit: 1)
      }
      await expectError(.invalid, "codes[0].code has 1 bytes") {
        try await store.setCodes(
          [PictureCode(picture: .testing(1), code: [0], prediction: Prediction())], of: 1)
      }
      for bits in [0, -8, 24, 65, 4104] {
        await expectError(.invalid, "\(bits)") { try await store.addVersion(2, bits: bits) }
      }
      let missing = try await store.items(numbers: [0, .max])
      #expect(missing == [nil, nil])
      let beyond = try await store.items(after: .max, limit: 5)
      #expect(beyond == [])
    }
  }

  static let settings: [(String, @Sendable (inout IndexSettings) -> Void)] = [
    ("settings.lambda is 1.5", { $0.lambda = 1.5 }),
    ("settings.lambda is nan", { $0.lambda = .nan }),
    ("settings.topCategories is 0", { $0.topCategories = 0 }),
    ("settings.attributes[1].name is colour", { $0.attributes[1].name = "colour" }),
    ("settings.attributes[0].weight is -1", { $0.attributes[0].weight = -1 }),
    ("settings.attributes[0].weight is inf", { $0.attributes[0].weight = .infinity }),
    ("settings.next.version is 1", { $0.next = .init(version: 1, bits: 64) }),
    ("settings.active.bits is 7", { $0.active.bits = 7 }),
  ]

  @Test("settings out of range are not saved", arguments: Stores.all)
  func settings(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      for (words, change) in Self.settings {
        var settings = IndexSettings.testing()
        change(&settings)
        await expectError(.invalid, words) { try await store.save(settings) }
      }
      var settings = IndexSettings.testing()
      settings.active.version = 5
      await expectError(.failedPrecondition, "settings.active") { try await store.save(settings) }
      let saved = try await store.settings()
      #expect(saved == .testing())
    }
  }
}
