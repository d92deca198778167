import Testing
import ZooItems
import ZooSeeded

@Suite("What is near")
struct NearestTests {
  @Test("nearest first; where distances are equal the older item first", arguments: Stores.all)
  func order(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([
        .testing("two", code: 0b11), .testing("one", code: 0b1), .testing("other one", code: 0b10),
        .testing("none", code: 0), .testing("all", code: .max),
      ])
      let answer = try await store.nearest(NearestQuery(code: code(0), version: 1, k: 100))
      #expect(answer.matches.map(\.distance) == [0, 1, 1, 2, 64])
      #expect(answer.matches.map(\.number) == [4, 2, 3, 1, 5])
      #expect(!answer.plan.isEmpty)
      #expect(try await store.ids(k: 2) == ["none", "one"])
      #expect(try await store.ids(k: 0) == [])
      _ = try await store.put([.testing("one", code: 0b1)])
      #expect(try await store.ids() == ["none", "other one", "one", "two", "all"])
    }
  }

  @Test("only in the categories that are named", arguments: Stores.all)
  func categories(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([
        .testing("a", category: "Bags"), .testing("b", category: "Shoes"), .testing("c", category: "Hats"),
        .testing("d", category: "Bags"),
      ])
      #expect(try await store.ids(categories: ["Bags"]) == ["a", "d"])
      #expect(try await store.ids(categories: ["Hats", "Bags", "Hats"]) == ["a", "c", "d"])
      #expect(try await store.ids(categories: ["Boats", "Shoes"]) == ["b"])
      #expect(try await store.ids(categories: ["Boats"]) == [])
      #expect(try await store.ids(categories: []) == [])
      #expect(try await store.ids() == ["a", "b", "c", "d"])
      _ = try await store.put([.testing("a", category: "Shoes")])
      #expect(try await store.ids(categories: ["Bags"]) == ["d"])
      #expect(try await store.ids(categories: ["Shoes"]) == ["b", "a"])
    }
  }

  @Test("all filters hold, to the letter", arguments: Stores.all)
  func filters(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([
        .testing("a", attributes: ["colour": "red", "season": "winter"]),
        .testing("b", attributes: ["colour": "blue", "season": "winter"]),
        .testing("c", attributes: ["colour": "red"]),
        .testing("d"),
        .testing("e", attributes: ["season": "red"]),
      ])
      func found(_ filters: (String, [String])...) async throws -> [String] {
        try await store.ids(filters: filters.map { AttributeFilter(attribute: $0.0, values: $0.1) })
      }
      #expect(try await found(("colour", ["red"])) == ["a", "c"])
      #expect(try await found(("colour", ["red", "blue"])) == ["a", "b", "c"])
      #expect(try await found(("colour", ["red"]), ("season", ["winter"])) == ["a"])
      #expect(try await found(("colour", ["red"]), ("colour", ["blue"])) == [])
      #expect(try await found(("colour", ["Red"])) == [])
      #expect(try await found(("size", ["red"])) == [])
      #expect(try await found(("colour", [])) == [])
      // What comes later is found by filters that were used before.
      _ = try await store.put([.testing("f", attributes: ["colour": "red", "season": "autumn"])])
      #expect(try await found(("colour", ["red"])) == ["a", "c", "f"])
      #expect(try await found(("size", ["red"])) == [])
      _ = try await store.put([.testing("g", attributes: ["size": "red"])])
      #expect(try await found(("size", ["red"])) == ["g"])
    }
  }

  @Test("a match has its category and all attributes", arguments: Stores.all)
  func matches(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([
        .testing("a", code: 6, category: "Hats", attributes: ["colour": "red", "season": "winter"]), .testing("b"),
      ])
      #expect(
        try await store.nearest(NearestQuery(code: code(0), version: 1, k: 9)).matches == [
          Match(number: 2, distance: 0, category: "Bags", attributes: [:]),
          Match(number: 1, distance: 2, category: "Hats", attributes: ["colour": "red", "season": "winter"]),
        ])
    }
  }

  @Test("codes of every width are found", arguments: Stores.all, [32, 64, 128, 256, 512, 4096])
  func widths(_ kind: any StoreUnderTest, bits: Int) async throws {
    try await kind.withStore(.testing(bits: bits)) { store in
      var generator = SeededGenerator(seed: UInt64(bits))
      let codes = (0..<40).map { _ in (0..<bits / 8).map { _ in UInt8.random(in: 0...255, using: &generator) } }
      _ = try await store.put(
        codes.enumerated().map { index, code in
          var item = NewItem.testing("\(index)")
          item.picture.codes = [1: code]
          return item
        })
      for (index, code) in codes.enumerated() {
        let match = try await store.nearest(NearestQuery(code: code, version: 1, k: 1)).matches[0]
        #expect(match.number == UInt32(index + 1) && match.distance == 0)
      }
      let farthest = try await store.nearest(NearestQuery(code: codes[0].map { ~$0 }, version: 1, k: 40)).matches
      #expect(farthest.last == Match(number: 1, distance: bits, category: "Bags", attributes: [:]))
    }
  }
}
