import Foundation
import SwiftProtobuf
import Testing
import ZooItems
import ZooProtocol
import ZooRuntime
import ZooSQLiteStore
import ZooSearch
import ZooTinyModels

/// An index moves from one version of its hasher to the next while it is used.
@Suite struct RehashTests {
  private static let hashers = [TinyHasher(), TinyHasher(version: 2, bits: 96, seed: 2)]

  /// An index on version 1 with items, while version 2 is what the runtime serves.
  private func index(in bench: SearchBench, items: Int) async throws {
    try await bench.create { $0.version = 1 }
    for start in stride(from: 0, to: items, by: 50) {
      try await bench.put((start..<min(items, start + 50)).map { try .item("item-\($0)", picture: $0) })
    }
  }

  private func nearest(in bench: SearchBench, picture: Int, version: UInt32 = 0) async throws -> WireSearchHit? {
    try await bench.search { call in
      call.picture = try! TinyHasher.picture(picture)
      call.allCategories = true
      call.lambda = 1
      call.version = version
      call.k = 1
    }.hits.first
  }

  @Test("both versions answer until it is complete, then the new one does")
  func switches() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 150)
      #expect(try await bench.status().active.bits == 64)
      try await bench.rehash()
      // What is put while it goes on is found by both, and what is removed by neither.
      try await bench.put([.item("new", picture: 1000)])
      _ = try await bench.remove(["item-7"])
      #expect(try await nearest(in: bench, picture: 1000)?.id == "new")
      if try await bench.status().state == .rehashing {
        #expect(try await nearest(in: bench, picture: 1000, version: 2)?.id == "new")
      }
      let status = try await bench.waitForRehash()
      #expect(status.reason == "")
      #expect((status.active.version, status.active.bits, status.active.pictures) == (2, 96, 150))
      #expect(!status.hasNext)
      for picture in [0, 70, 149, 1000] {
        let hit = try await nearest(in: bench, picture: picture)
        #expect(hit?.distance == 0)
        #expect(hit?.id == (picture == 1000 ? "new" : "item-\(picture)"))
      }
      #expect(try await nearest(in: bench, picture: 7)?.id != "item-7")
      // The old version's codes are gone.
      await #expect(throws: ZooError.self) { try await nearest(in: bench, picture: 0, version: 1) }
    }
  }

  @Test("stopped, it keeps what it did and goes on when it is asked again; forgotten, it starts anew")
  func stopsAndGoesOn() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 200)
      try await bench.rehash()
      try await bench.rehash { $0.cancel = true }
      let stopped = try await bench.status()
      // It may have been too quick to be stopped.
      if stopped.hasNext {
        #expect(stopped.state == .ready)
        #expect(stopped.reason.contains("zoo index rehash"))
        #expect(stopped.active.version == 1)
        try await bench.rehash { $0.forget = true }
        #expect(try await !bench.status().hasNext)
        #expect(try await nearest(in: bench, picture: 3)?.id == "item-3")
        try await bench.rehash()
      }
      #expect(try await bench.waitForRehash().active.version == 2)
    }
  }

  @Test("a restart of the server goes on where it stopped")
  func resumes() async throws {
    let first = try await SearchBench(hashers: Self.hashers)
    try await index(in: first, items: 200)
    try await first.rehash()
    await first.stop()
    let second = try await SearchBench(folder: first.folder)
    let status = try await second.waitForRehash()
    #expect((status.active.version, status.active.pictures) == (2, 200))
    #expect(try await nearest(in: second, picture: 123)?.id == "item-123")
    await second.stop()
  }

  // MARK: Predictions

  private static let predicting = [
    TinyHasher(predictsAttributes: true), TinyHasher(version: 2, bits: 96, seed: 2, predictsAttributes: true),
  ]

  /// Items of which all, a part or nothing is predicted; `season` of some is said to be none.
  private func items(_ seeds: Range<Int>) throws -> [WirePutItem] {
    try seeds.map { seed in
      switch seed % 4 {
      case 0: try .item("\(seed)", picture: seed)
      case 1: try .item("\(seed)", picture: seed, category: "Bags")
      case 2: try .item("\(seed)", picture: seed, attributes: ["colour": "Red"])
      default: try .item("\(seed)", picture: seed, category: "Shoes", attributes: ["colour": "White", "season": ""])
      }
    }
  }

  private struct Words: Hashable {
    var category: String
    var attributes: [String: String]
    var predicted: [String]
  }

  private func words(_ bench: SearchBench, _ index: String = "things") async throws -> [String: Words] {
    let items = try await bench.service.get(.with { ($0.index, $0.limit) = (index, 1000) }).items
    return Dictionary(
      uniqueKeysWithValues: items.map { item in
        let predicted = (item.categoryPredicted ? ["category"] : []) + item.predictedAttributes
        return (item.id, Words(category: item.category, attributes: item.attributes, predicted: predicted))
      })
  }

  /// Two indexes with the same items: `things` on version 1, and `expected` on version 2.
  private func fill(_ bench: SearchBench, count: Int) async throws {
    for (index, version) in [("things", 1), ("expected", 2)] as [(String, UInt32)] {
      try await bench.create(index) { $0.version = version }
      for start in stride(from: 0, to: count, by: 50) {
        try await bench.put(try items(start..<min(count, start + 50)), into: index)
      }
    }
  }

  /// Searches without pause until the index is on another version.
  ///
  /// - Returns: how often.
  private func searchesUntilSwitched(_ bench: SearchBench) async throws -> Int {
    for count in 0..<100_000 {
      guard try await bench.status().active.version == 1 else { return count }
      let hit = try await nearest(in: bench, picture: 0)
      #expect(hit?.id == "0" && hit?.distance == 0)
    }
    return 0
  }

  @Test("what was predicted is the new version's with the switch, what was given stays")
  func predictsAnew() async throws {
    try await withBench(hashers: Self.predicting) { bench in
      try await fill(bench, count: 100)
      let before = try await words(bench)
      #expect(before["0"]?.predicted == ["category", "colour", "season"])
      #expect(before["3"] == Words(category: "Shoes", attributes: ["colour": "White"], predicted: []))
      async let searches = searchesUntilSwitched(bench)
      try await bench.rehash()
      // Meanwhile: new ones, one that shows what another does, one in place of another, and one less.
      let changes: [WirePutItem] = try [
        .item("new", picture: 1000), .item("again", picture: 4), .item("8", picture: 500), .item("5", picture: 501),
        .item("12", picture: 12, category: "Shirts"),
      ]
      for index in ["things", "expected"] {
        let results = try await bench.put(changes, into: index)
        #expect(results.allSatisfy { $0.status.code == .ok })
        #expect(try await bench.remove(["16"], from: index) == [true])
      }
      let status = try await bench.waitForRehash()
      #expect(try await searches > 0)
      #expect((status.reason, status.active.version) == ("", 2))
      let after = try await words(bench)
      #expect(try await after == words(bench, "expected"))
      #expect(after.count == 101)
      // The versions differ, or this would prove nothing.
      let moved = before.filter { $0.value.category != after[$0.key]?.category }
      #expect(moved.count > 5)
      #expect(before.count { $0.value.attributes != after[$0.key]?.attributes } > 5)

      for (id, words) in before where id != "16" && Int(id)! % 4 != 1 && !["8", "12"].contains(id) {
        let now = try #require(after[id])
        for category in Set([words.category, now.category]) {
          let hits = try await bench.search { call in
            call.picture = try! TinyHasher.picture(Int(id)!)
            call.categories = [category]
            call.k = 200
          }.hits
          #expect(
            hits.contains { $0.id == id && $0.distance == 0 } == (category == now.category), "\(id) in \(category)")
        }
      }
      // What shows a picture that was there when the index was hashed anew goes by the same version.
      try await bench.put([.item("later", picture: 20)])
      #expect(try await words(bench)["later"] == after["20"])
      #expect(await bench.runtime.list().map(\.statistics.failed).reduce(0, +) == 0)
    }
  }

  @Test("stopped or forgotten it changes no prediction; after a restart of the server it ends with them")
  func predictsAnewAfterAll() async throws {
    let first = try await SearchBench(hashers: Self.predicting)
    try await fill(first, count: 200)
    let before = try await words(first)
    try await first.rehash()
    try await first.rehash { $0.cancel = true }
    if try await first.status().hasNext {
      #expect(try await words(first) == before)
      try await first.rehash { $0.forget = true }
      #expect(try await words(first) == before)
      try await first.rehash()
    }
    await first.stop()
    let second = try await SearchBench(folder: first.folder)
    #expect(try await second.waitForRehash().active.version == 2)
    #expect(try await words(second) == words(second, "expected"))
    await second.stop()
  }

  @Test("a version that a kill left behind is forgotten when the index is opened")
  func leftovers() async throws {
    let first = try await SearchBench(hashers: Self.hashers)
    try await index(in: first, items: 3)
    await first.stop()
    let folder = first.folder.url.appending(path: "indexes/things")
    let store = try await SQLiteStore.open(at: folder, threads: 1)
    try await store.addVersion(7, bits: 64)
    await store.close()
    let second = try await SearchBench(folder: first.folder)
    #expect(try await second.status().state == .ready)
    await second.stop()
    let left = try await SQLiteStore.open(at: folder, threads: 1)
    #expect(try await left.widths().bits == [1: 64])
    await left.close()
  }

  @Test("items that came as codes stop it, until somebody lets them go")
  func needsPictures() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 3)
      try await bench.put([
        .with {
          $0.id = "code"
          $0.category = "Bags"
          $0.code.bits = 64
          $0.code.data = Data(repeating: 5, count: 8)
        }
      ])
      try await bench.rehash()
      let status = try await bench.waitForRehash()
      #expect(status.active.version == 1)
      #expect(status.reason.contains("1 pictures"))
      try await bench.rehash { $0.acceptMissing = true }
      #expect(try await bench.waitForRehash().active.version == 2)
    }
  }

  @Test("the version that is active, one that is not there, and nothing to stop are refused")
  func refuses() async throws {
    try await withBench(hashers: Self.hashers) { bench in
      try await index(in: bench, items: 1)
      await #expect(throws: ZooError.self) { try await bench.rehash { $0.version = 1 } }
      await #expect(throws: ZooError.self) { try await bench.rehash { $0.version = 3 } }
      await #expect(throws: ZooError.self) { try await bench.rehash { $0.cancel = true } }
      #expect(try await bench.status().state == .ready)
    }
  }
}
