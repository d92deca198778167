import Testing
import ZooItems

@Suite("Text of every kind")
struct TextTests {
  @Test("quotes, wildcards, scripts and emoji are kept as they are", arguments: Stores.all)
  func kept(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      let texts = [
        "'; DROP TABLE items; --", "\"", "\\", "\\x00", "%", "_", "{a,b}", "NULL", "ключ", "鞄", "👜🏽", "e\u{301}",
        "\u{1E9E}",
        " a", "a ", "A", "a", "ä", "$1", "?1", "1e3", "\u{FEFF}x", "a\u{200D}b",
      ]
      let items = texts.map { NewItem.testing($0, category: $0, attributes: [$0: $0]) }
      _ = try await index.store.put(items)
      for _ in 0..<2 {
        for (number, text) in texts.enumerated() {
          let item = try #require(try await index.store.items(ids: [text])[0])
          #expect(item.number == UInt32(number + 1))
          #expect(item.category == text && item.attributes == [text: text])
          #expect(try await index.store.ids(categories: [text]) == [text])
          #expect(try await index.store.ids(filters: [.init(attribute: text, values: [text])]) == [text])
        }
        index = try await index.reopened()
      }
      #expect(try await index.store.remove(texts) == texts.map { _ in true })
    }
  }

  @Test("two ways to write a letter are one", arguments: Stores.all)
  func normalization(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      let composed = "caf\u{E9}"
      let decomposed = "cafe\u{301}"
      _ = try await store.put([.testing("x", category: composed, attributes: [composed: composed])])
      _ = try await store.put([.testing(decomposed, category: decomposed, attributes: [decomposed: decomposed])])
      let replaced = try await store.put([
        .testing(composed, category: composed, attributes: [composed: composed])
      ])
      #expect(replaced[0].replaced)
      #expect(try await store.items(ids: [decomposed])[0]?.number == 3)
      #expect(try await store.statistics().categories == [composed: 2])
      #expect(try await store.ids(categories: [decomposed]) == ["x", composed])
      #expect(try await store.ids(filters: [.init(attribute: decomposed, values: [decomposed])]) == ["x", composed])
      #expect(try await store.remove([decomposed]) == [true])
    }
  }
}
