import Testing
import ZooItems

@Suite("Opening, settings and closing")
struct LifeTests {
  @Test("settings are as they were saved last", arguments: Stores.all)
  func settings(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      #expect(try await index.store.settings() == .testing())
      var settings = IndexSettings.testing()
      settings.name = "näher"
      settings.lambda = 0.1
      settings.topCategories = 7
      settings.isRehashStopped = true
      settings.attributes = [.init(name: "size", weight: 0.3)]
      try await index.store.save(settings)
      #expect(try await index.store.settings() == settings)
      index = try await index.reopened()
      #expect(try await index.store.settings() == settings)
    }
  }

  @Test("an empty index answers", arguments: Stores.all)
  func empty(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      for _ in 0..<2 {
        #expect(try await index.store.ids() == [])
        #expect(try await index.store.items(after: 0, limit: 5) == [])
        #expect(try await index.store.pictures(withoutCodeOf: 1, after: nil, limit: 5) == [])
        let statistics = try await index.store.statistics()
        #expect(statistics.items == 0 && statistics.codes == [1: 0])
        try await index.store.rebuild()
        index = try await index.reopened()
      }
    }
  }

  @Test("pages of items are complete, in order, and without overlap", arguments: Stores.all)
  func pages(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put((0..<25).map { .testing("\($0)", code: UInt64($0)) })
      _ = try await store.remove(["3", "9", "24"])
      var numbers: [UInt32] = []
      while true {
        let page = try await store.items(after: numbers.last ?? 0, limit: 5)
        if page.isEmpty { break }
        numbers += page.map(\.number)
      }
      #expect(numbers == (1...25).filter { ![4, 10, 25].contains($0) })
      #expect(try await store.items(after: 0, limit: 0) == [])
    }
  }

  @Test("statistics grow with the items", arguments: Stores.all)
  func statistics(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      for batch in 0..<4 {
        _ = try await store.put(
          (0..<500).map { .testing("\(batch) \($0)", code: UInt64($0), attributes: ["colour": "\($0 % 7)"]) })
      }
      let statistics = try await store.statistics()
      #expect(statistics.items == 2000)
      #expect(statistics.diskBytes > 0)
    }
  }

  @Test("what comes after closing fails", arguments: Stores.all)
  func closing(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([.testing("a")])
      await store.close()
      await store.close()
      await expectError(.unavailable, "closed") { _ = try await store.put([.testing("b")]) }
      await expectError(.unavailable, "closed") { _ = try await store.remove(["a"]) }
      await expectError(.unavailable, "closed") { _ = try await store.ids() }
      await expectError(.unavailable, "closed") { _ = try await store.items(ids: ["a"]) }
      await expectError(.unavailable, "closed") { _ = try await store.settings() }
      await expectError(.unavailable, "closed") { _ = try await store.statistics() }
      await expectError(.unavailable, "closed") { try await store.rebuild() }
    }
  }
}
