import Testing
import ZooItems

@Suite("What removing does")
struct RemoveTests {
  @Test("each id is told whether it was there", arguments: Stores.all)
  func flags(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([.testing("a"), .testing("b"), .testing("c")])
      #expect(try await store.remove(["b", "x", "b", "", "c"]) == [true, false, false, false, true])
      #expect(try await store.remove([]) == [])
      #expect(try await store.items(ids: ["a", "b", "c"]).map { $0?.id } == ["a", nil, nil])
      #expect(try await store.ids() == ["a"])
    }
  }

  @Test("a picture goes with the last item that shows it", arguments: Stores.all)
  func pictures(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      var items: [NewItem] = [.testing("a", picture: 1), .testing("b", picture: 1)]
      items[0].picture.data = [1]
      _ = try await store.put(items)
      _ = try await store.remove(["a"])
      #expect(try await store.data(ofPicture: .testing(1)) == [1])
      _ = try await store.remove(["b"])
      #expect(try await store.picture(.testing(1)) == nil)
      #expect(try await store.data(ofPicture: .testing(1)) == nil)
    }
  }

  @Test("numbers of what is removed never come back, not after opening either", arguments: Stores.all)
  func numbers(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      _ = try await index.store.put([.testing("a"), .testing("b")])
      _ = try await index.store.remove(["a", "b"])
      index = try await index.reopened()
      #expect(try await index.store.put([.testing("a")])[0].number == 3)
    }
  }
}
