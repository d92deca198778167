import Foundation
import SwiftProtobuf
import Testing
import ZooProtocol
import ZooRuntime
import ZooSearch
import ZooTinyModels

/// What one gets from an index, by way of real pictures through a real, tiny hasher.
@Suite struct SearchServiceTests {
  private static let attributed: @Sendable (inout WireCreateIndexCall) -> Void = { call in
    call.attributes = [("colour", 2.0), ("season", 1.0)].map { name, weight in
      .with {
        $0.name = name
        $0.weight = weight
      }
    }
  }

  @Test("a picture finds itself first, at distance 0, in the category that the model named")
  func findsItself() async throws {
    try await withBench { bench in
      try await bench.create()
      let results = try await bench.put((0..<20).map { try .item("item-\($0)", picture: $0) })
      #expect(results.allSatisfy { $0.status.code == .ok && TinyHasher.categories.contains($0.category) })
      for seed in [0, 7, 19] {
        let result = try await bench.search { call in
          call.picture = try! TinyHasher.picture(seed)
          call.k = 3
        }
        #expect(result.hits.first?.id == "item-\(seed)")
        #expect(result.hits.first?.distance == 0)
        #expect(result.hits.first?.score == 1)
        #expect(result.categories.count == 3)
        #expect(result.bits == 64)
      }
    }
  }

  @Test("the same file is hashed once, and its items are linked")
  func linksDuplicates() async throws {
    try await withBench { bench in
      try await bench.create()
      let first = try await bench.put([.item("a", picture: 1), .item("b", picture: 1), .item("c", picture: 2)])
      #expect(first.map(\.duplicateOf) == ["", "a", ""])
      let second = try await bench.put([.item("d", picture: 1)])
      #expect(second[0].duplicateOf == "a")
      #expect(await bench.runtime.list()[0].statistics.succeeded == 2)
      let status = try await bench.status()
      #expect((status.items, status.pictures, status.duplicates) == (4, 2, 2))
    }
  }

  @Test("one bad item fails alone and says why")
  func badItemsFailAlone() async throws {
    try await withBench { bench in
      try await bench.create()
      var truncated = try WirePutItem.item("truncated", picture: 3)
      truncated.picture = truncated.picture.prefix(100)
      let results = try await bench.put([
        truncated, .item("good", picture: 4), .item("", picture: 5), .with { $0.id = "nothing" },
        .item("odd", picture: 6, attributes: ["size": "L"]), .item("line\nbreak", picture: 7),
      ])
      #expect(results[1].status.code == .ok)
      for index in [0, 2, 3, 4, 5] { #expect(results[index].status.code == .invalidArgument, "\(results[index])") }
      #expect(results[4].status.message.contains("size"))
      #expect(try await bench.status().items == 1)
    }
  }

  @Test("what was removed is not found, what was replaced is found as it is now")
  func removesAndReplaces() async throws {
    try await withBench { bench in
      try await bench.create()
      try await bench.put((0..<5).map { try .item("item-\($0)", picture: $0, category: "Bags") })
      #expect(try await bench.remove(["item-2", "nobody"]) == [true, false])
      let replaced = try await bench.put([.item("item-3", picture: 30, category: "Bags")])
      #expect(replaced[0].replaced)
      let found = try await bench.search { call in
        call.picture = try! TinyHasher.picture(2)
        call.allCategories = true
        call.k = 10
      }
      #expect(Set(found.hits.map(\.id)) == ["item-0", "item-1", "item-3", "item-4"])
      let new = try await bench.search { call in
        call.picture = try! TinyHasher.picture(30)
        call.categories = ["Bags"]
      }
      #expect(new.hits.first?.id == "item-3")
      #expect(new.hits.first?.distance == 0)
    }
  }

  @Test("S = λ · appearance + (1 − λ) · attributes, with the reasons where they are asked for")
  func ranksByAttributes() async throws {
    try await withBench { bench in
      try await bench.create("things", Self.attributed)
      try await bench.put([
        .item("same-picture", picture: 1, category: "Bags", attributes: ["colour": "Red", "season": "Winter"]),
        .item("same-attributes", picture: 2, category: "Bags", attributes: ["colour": "Blue", "season": "Summer"]),
        .item("half", picture: 3, category: "Bags", attributes: ["colour": "Blue"]),
      ])
      func search(lambda: Double) async throws -> WireSearchResult {
        try await bench.search { call in
          call.picture = try! TinyHasher.picture(1)
          call.categories = ["Bags"]
          call.lambda = lambda
          call.attributes = ["colour": "Blue", "season": "Summer"]
          call.explain = true
        }
      }
      let appearance = try await search(lambda: 1)
      #expect(appearance.hits.first?.id == "same-picture")
      let attributes = try await search(lambda: 0)
      #expect(attributes.hits.map(\.id) == ["same-attributes", "half", "same-picture"])
      #expect(attributes.hits.map(\.attributeScore) == [1, 2.0 / 3, 0])
      #expect(attributes.hits[1].matches.map(\.equal) == [true, false])
      let both = try await search(lambda: 0.75)
      for hit in both.hits {
        let appearance = 1 - Double(hit.distance) / 64
        #expect(abs(hit.score - (0.75 * appearance + 0.25 * hit.attributeScore)) < 1e-12)
      }
      #expect(both.hits.map(\.score) == both.hits.map(\.score).sorted(by: >))
    }
  }

  @Test("filters hold for every result, and the nearest that pass are all there")
  func filters() async throws {
    try await withBench { bench in
      try await bench.create("things", Self.attributed)
      let colours = ["Blue", "Red", "White"]
      try await bench.put(
        (0..<60).map { try .item("\($0)", picture: $0, category: "Bags", attributes: ["colour": colours[$0 % 3]]) })
      let result = try await bench.search { call in
        call.picture = try! TinyHasher.picture(0)
        call.categories = ["Bags"]
        call.k = 100
        call.filters = [
          .with {
            $0.attribute = "colour"
            $0.values = ["Red", "White"]
          }
        ]
      }
      #expect(result.hits.count == 40)
      #expect(result.hits.allSatisfy { $0.attributes["colour"] != "Blue" })
    }
  }

  @Test("an item of the index finds what is like it, and not itself")
  func findsByItem() async throws {
    try await withBench { bench in
      try await bench.create()
      try await bench.put((0..<10).map { try .item("item-\($0)", picture: $0 / 2, category: "Shoes") })
      let result = try await bench.search { call in
        call.item = "item-4"
        call.k = 20
      }
      #expect(result.hits.count == 9)
      #expect(result.hits.first?.id == "item-5")
      #expect(!result.hits.contains { $0.id == "item-4" })
    }
  }

  @Test("an item may come as a code, and be found by one")
  func takesCodes() async throws {
    try await withBench { bench in
      try await bench.create()
      func code(_ byte: UInt8) -> WireCode {
        .with {
          $0.bits = 64
          $0.data = Data(repeating: byte, count: 8)
        }
      }
      let results = try await bench.put(
        ([0x00, 0x01, 0x03] as [UInt8]).map { byte in
          .with {
            $0.id = "\(byte)"
            $0.category = "Bags"
            $0.code = code(byte)
          }
        } + [
          .with {
            $0.id = "short"
            $0.category = "Bags"
            $0.code.bits = 32
            $0.code.data = Data(count: 4)
          }
        ])
      #expect(results.map(\.status.code) == [.ok, .ok, .ok, .invalidArgument])
      let result = try await bench.search { call in
        call.code = code(0x01)
        call.allCategories = true
      }
      #expect(result.hits.map(\.id) == ["1", "0", "3"])
      #expect(result.hits.map(\.distance) == [0, 8, 8])
      await #expect(throws: ZooError.self) { try await bench.search { $0.code = code(1) } }
    }
  }

  @Test(
    "bad calls are refused with what to do instead",
    arguments: [
      ("k", "10001"), ("lambda", "2.0"), ("weights", "size"), ("filters", "size"), ("version", "9"),
      ("query", "picture"),
      ("item", "nobody"),
    ])
  func refusesBadSearches(field: String, hint: String) async throws {
    try await withBench { bench in
      try await bench.create("things", Self.attributed)
      let error = await #expect(throws: ZooError.self) {
        try await bench.search { call in
          call.picture = try! TinyHasher.picture(0)
          switch field {
          case "k": call.k = 10001
          case "lambda": call.lambda = 2
          case "weights": call.weights = [.with { $0.name = "size" }]
          case "filters": call.filters = [.with { $0.attribute = "size" }]
          case "version": call.version = 9
          case "item": call.item = "nobody"
          default: call.query = nil
          }
        }
      }
      #expect(error?.message.contains(hint) == true, "\(String(describing: error))")
    }
  }

  @Test("an index is refused where it cannot be")
  func refusesBadIndexes() async throws {
    try await withBench(prepare: { try TinyModel().install(in: $0) }) { bench in
      try await bench.create()
      func refused(_ code: ZooError.Code, _ change: @escaping (inout WireCreateIndexCall) -> Void) async {
        let error = await #expect(throws: ZooError.self) { try await bench.create("other", change) }
        #expect(error?.code == code, "\(String(describing: error))")
      }
      await refused(.alreadyExists) { $0.index = "things" }
      await refused(.invalidArgument) { $0.index = "../things" }
      await refused(.notFound) { $0.model = "nobody" }
      await refused(.invalidArgument) { $0.store = "elsewhere" }
      await refused(.invalidArgument) { $0.lambda = -1 }
      await refused(.invalidArgument) { $0.topCategories = 5000 }
      await refused(.invalidArgument) { call in call.attributes = [.with { $0.name = "a" }, .with { $0.name = "a" }] }
      // What was refused left nothing behind.
      try await bench.create("other")
    }
  }

  @Test("a search cannot look into more categories than the model knows, and is not made to")
  func boundsTopCategories() async throws {
    try await withBench { bench in
      func configured(_ topCategories: UInt32) -> WireConfigureIndexCall {
        .with {
          $0.index = "things"
          $0.topCategories = topCategories
        }
      }
      let refused = await #expect(throws: ZooError.self) { try await bench.create { $0.topCategories = 4 } }
      #expect(refused?.message == "top_categories is 4: tiny-hasher@1 knows 3 categories, give 1 to 3")
      try await bench.create { $0.topCategories = 3 }
      try await bench.put([.item("a", picture: 1)])
      let error = await #expect(throws: ZooError.self) { try await bench.service.configure(configured(999)) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message == "top_categories is 999: tiny-hasher@1 knows 3 categories, give 1 to 3")
      #expect(try await bench.status().topCategories == 3)
      // Of a model that is not loaded nobody knows: a search then looks into as many as there are.
      _ = try await bench.runtime.unload("tiny-hasher", version: 1)
      #expect(try await bench.service.configure(configured(999)).topCategories == 999)
      _ = try await bench.runtime.load("tiny-hasher", version: 1)
      let found = try await bench.search { $0.picture = try! TinyHasher.picture(1) }
      #expect(found.hits.map(\.id) == ["a"])
      #expect(found.categories.count == 3)
    }
  }

  @Test("settings and items outlive the server, a dropped index does not")
  func outlivesTheServer() async throws {
    let first = try await SearchBench()
    try await first.create("things", Self.attributed)
    try await first.create("gone")
    try await first.put([.item("a", picture: 1, category: "Bags")])
    var change = WireConfigureIndexCall()
    change.index = "things"
    change.lambda = 0.5
    change.topCategories = 2
    change.attributes = [
      .with {
        $0.name = "colour"
        $0.weight = 7
      }
    ]
    _ = try await first.service.configure(change)
    try await first.service.drop(.with { $0.index = "gone" })
    await first.stop()

    let second = try await SearchBench(folder: first.folder)
    let indexes = try await second.service.list(WireListIndexesCall())
    #expect(indexes.map(\.index) == ["things"])
    #expect(indexes[0].lambda == 0.5)
    #expect(indexes[0].topCategories == 2)
    #expect(indexes[0].attributes.map(\.weight) == [7, 1])
    #expect(try await second.search { $0.picture = try! TinyHasher.picture(1) }.hits.map(\.id) == ["a"])
    await second.stop()
  }

  @Test("items come back in the order in which they were put, page by page, with their pictures")
  func pagesThroughItems() async throws {
    try await withBench { bench in
      try await bench.create()
      try await bench.put((0..<7).map { try .item("item-\($0)", picture: $0) })
      var ids: [String] = []
      var after: UInt32 = 0
      repeat {
        let page = try await bench.service.get(
          .with {
            $0.index = "things"
            $0.after = after
            $0.limit = 3
            $0.pictures = true
          })
        ids += page.items.map(\.id)
        #expect(try page.items.allSatisfy { try $0.picture == TinyHasher.picture(Int($0.id.dropFirst(5)) ?? -1) })
        after = page.next
      } while after != 0
      #expect(ids == (0..<7).map { "item-\($0)" })
    }
  }
}
