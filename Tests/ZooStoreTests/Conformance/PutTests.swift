import Testing
import ZooItems
import ZooSeeded

@Suite("What putting does")
struct PutTests {
  @Test("numbers follow the batch, and go on after it", arguments: Stores.all)
  func numbers(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      let first = try await store.put([.testing("b"), .testing("a")])
      let second = try await store.put([.testing("c")])
      #expect(first.map(\.number) == [1, 2])
      #expect(second.map(\.number) == [3])
      #expect(try await store.items(after: 0, limit: 10).map(\.id) == ["b", "a", "c"])
      #expect(try await store.put([]) == [])
    }
  }

  @Test("an item with an id that is there takes its place, with a number of its own", arguments: Stores.all)
  func replacing(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([.testing("a", code: 0), .testing("b", code: 1)])
      let outcome = try await store.put([
        .testing("a", code: 0xFF, category: "Shoes", attributes: ["colour": "red"], picture: 7)
      ])
      #expect(outcome == [PutOutcome(number: 3, replaced: true, duplicateOf: nil)])
      let item = try #require(try await store.items(ids: ["a"])[0])
      #expect(
        item
          == Item(
            number: 3, id: "a", category: "Shoes", attributes: ["colour": "red"], link: "https://shop.example/a",
            picture: .testing(7)))
      #expect(try await store.items(numbers: [1, 3]) == [nil, item])
      #expect(try await store.ids(nearest: 0) == ["b", "a"])
      #expect(try await store.statistics().pictures == 2)
    }
  }

  @Test("of two items with one id in a batch the later one stays", arguments: Stores.all)
  func twiceInABatch(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      let outcomes = try await store.put([
        .testing("a", code: 1, picture: 1), .testing("b", code: 2, picture: 1), .testing("a", code: 4, picture: 2),
      ])
      #expect(
        outcomes == [
          PutOutcome(number: 1, replaced: false, duplicateOf: nil),
          PutOutcome(number: 2, replaced: false, duplicateOf: "a"),
          PutOutcome(number: 3, replaced: true, duplicateOf: nil),
        ])
      #expect(try await store.items(after: 0, limit: 10).map(\.number) == [2, 3])
      // The code of picture 1 is the one that came first.
      #expect(try await store.nearest(NearestQuery(code: code(1), version: 1, k: 9)).matches.map(\.number) == [2, 3])
      #expect(try await store.ids(nearest: 4) == ["a", "b"])
    }
  }

  @Test("the oldest other item with the same picture is named", arguments: Stores.all)
  func duplicates(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([.testing("a", picture: 1), .testing("b", picture: 1)])
      #expect(try await store.put([.testing("c", picture: 1)])[0].duplicateOf == "a")
      #expect(try await store.put([.testing("a", picture: 1)])[0].duplicateOf == "b")
      #expect(try await store.put([.testing("d", picture: 1)])[0].duplicateOf == "b")
      _ = try await store.remove(["b", "c", "a"])
      #expect(try await store.put([.testing("d", picture: 1)])[0].duplicateOf == nil)
      #expect(try await store.statistics().pictures == 1)
    }
  }

  @Test("a picture that is there keeps what it has and gains what it lacks", arguments: Stores.all)
  func gaining(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore(.testing(next: .init(version: 2, bits: 64))) { store in
      var item = NewItem.testing("a")
      item.picture = .testing(
        1, codes: [1: 0], predictions: [1: Prediction(category: "Bags"), 2: Prediction(category: "Hats")])
      _ = try await store.put([item])
      #expect(try await store.ids(version: 2) == [])
      item.id = "b"
      item.picture = .testing(1, codes: [1: 3, 2: 5], data: [1, 2], predictions: [1: Prediction(category: "Shoes")])
      _ = try await store.put([item])
      #expect(try await store.picture(.testing(1))?.predictions == [1: Prediction(category: "Bags")])
      item.picture.predictions[2] = Prediction(category: "Belts", attributes: ["colour": "red"])
      _ = try await store.put([item])
      item.id = "c"
      item.picture = .testing(1, codes: [:], data: [9])
      _ = try await store.put([item])
      #expect(
        try await store.picture(.testing(1))
          == StoredPicture(
            hash: .testing(1), codes: [1: code(0), 2: code(5)],
            predictions: [
              1: Prediction(category: "Bags"), 2: Prediction(category: "Belts", attributes: ["colour": "red"]),
            ], hasData: true))
      #expect(try await store.data(ofPicture: .testing(1)) == [1, 2])
      #expect(try await store.ids(version: 1) == ["a", "b", "c"])
      #expect(try await store.ids(version: 2) == ["a", "b", "c"])
    }
  }

  @Test("a picture lasts as long as the batch when one item leaves it and another takes it", arguments: Stores.all)
  func handedOn(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      var item = NewItem.testing("a")
      item.picture = .testing(1, codes: [1: 0], data: [1, 2])
      _ = try await store.put([item])
      var other = NewItem.testing("b")
      other.picture = .testing(1, codes: [:])
      _ = try await store.put([.testing("a", picture: 2), other])
      #expect(try await store.data(ofPicture: .testing(1)) == [1, 2])
      #expect(try await store.ids() == ["a", "b"])
    }
  }

  @Test("a batch is stored whole or not at all", arguments: Stores.all)
  func atomic(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([.testing("a", code: 0, attributes: ["colour": "red"])])
      let before = try await store.items(after: 0, limit: 10)
      var bare = NewItem.testing("c")
      bare.picture.codes = [:]
      await expectError(.failedPrecondition, "items[2].picture") {
        _ = try await store.put([
          .testing("a", code: 1, category: "New", attributes: ["colour": "green"]), .testing("b"), bare, bare,
        ])
      }
      // Who is at fault goes by the order of the batch.
      await expectError(.failedPrecondition, "items[1].picture") {
        _ = try await store.put(
          (0..<6).map { number in
            var item = NewItem.testing("\(number)")
            if number > 0 { item.picture.codes = [:] }
            return item
          })
      }
      #expect(try await store.items(after: 0, limit: 10) == before)
      #expect(try await store.ids(categories: ["New"]) == [])
      #expect(try await store.statistics().categories == ["Bags": 1])
      // What the failed batch named first gets its meaning from the next one.
      _ = try await store.put([.testing("b", category: "Newer", attributes: ["colour": "blue"])])
      #expect(try await store.ids(categories: ["Newer"]) == ["b"])
      #expect(try await store.ids(filters: [.init(attribute: "colour", values: ["blue"])]) == ["b"])
      #expect(try await store.ids(filters: [.init(attribute: "colour", values: ["green"])]) == [])
    }
  }

  @Test("files come back as they were, the empty corners too", arguments: Stores.all)
  func data(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      var generator = SeededGenerator(seed: 1)
      for (index, size) in [1, 4095, 4096, 100_000, 3_000_000].enumerated() {
        let data = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var item = NewItem.testing("\(index)")
        item.picture.data = data
        _ = try await store.put([item])
        #expect(try await store.data(ofPicture: item.picture.hash) == data)
        #expect(try await store.picture(item.picture.hash)?.hasData == true)
      }
      #expect(try await store.data(ofPicture: .testing(-1)) == nil)
      #expect(try await store.picture(.testing(-1)) == nil)
    }
  }

  @Test("the largest batch that is allowed goes through", arguments: Stores.all)
  func largest(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      let items = (0..<ItemLimits.batch).map { NewItem.testing("item \($0)", code: UInt64($0)) }
      #expect(try await store.put(items).map(\.number) == (1...UInt32(ItemLimits.batch)).map { $0 })
      #expect(try await store.remove(items.map(\.id)) == items.map { _ in true })
      let statistics = try await store.statistics()
      #expect(statistics.items == 0 && statistics.pictures == 0 && statistics.categories.isEmpty)
    }
  }
}
