import Testing
import ZooItems

@Suite("Versions of the hasher")
struct VersionTests {
  @Test("hashing anew: both versions answer until the old one is forgotten", arguments: Stores.all)
  func rehash(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      var store = index.store
      _ = try await store.put(
        (0..<10).map { number in
          var item = NewItem.testing("\(number)", code: UInt64(number), picture: number / 2)
          item.picture.data = [UInt8(number / 2)]
          return item
        })
      var settings = try await store.settings()
      settings.next = .init(version: 2, bits: 64)
      await expectError(.failedPrecondition, "settings.next") { try await store.save(settings) }
      try await store.addVersion(2, bits: 64)
      try await store.addVersion(2, bits: 64)
      try await store.save(settings)
      await expectError(.alreadyExists, "64", "128") { try await store.addVersion(2, bits: 128) }
      #expect(try await store.statistics().codes == [1: 5, 2: 0])

      let hashes = (0..<5).map(ContentHash.testing).sorted()
      let first = try await store.pictures(withoutCodeOf: 2, after: nil, limit: 2)
      #expect(first == Array(hashes[0..<2]))
      #expect(try await store.pictures(withoutCodeOf: 2, after: first[1], limit: 100) == Array(hashes[2...]))
      #expect(try await store.pictures(withoutCodeOf: 1, after: nil, limit: 100) == [])

      // The first picture goes before its code comes.
      let gone = try #require((0..<5).first { ContentHash.testing($0) == hashes[0] })
      _ = try await store.remove(["\(2 * gone)", "\(2 * gone + 1)"])
      let prediction = Prediction(category: "Hats", attributes: ["colour": "red"])
      try await store.setCodes(
        first.map { PictureCode(picture: $0, code: code(.max), prediction: prediction) }, of: 2)
      #expect(try await store.picture(hashes[0]) == nil)
      #expect(try await store.picture(hashes[1])?.codes[2] == code(.max))
      #expect(try await store.picture(hashes[1])?.predictions == [2: prediction])
      #expect(try await store.pictures(withoutCodeOf: 2, after: nil, limit: 100) == Array(hashes[2...]))
      #expect(try await store.ids(version: 2).count == 2)
      #expect(try await store.ids(version: 1).count == 8)
      #expect(try await store.statistics().codes == [1: 4, 2: 1])

      index = try await index.reopened()
      store = index.store
      #expect(try await store.settings() == settings)
      #expect(try await store.ids(version: 2).count == 2)
      try await store.setCodes(
        hashes[1...].map { PictureCode(picture: $0, code: code(1), prediction: prediction) }, of: 2)
      #expect(try await store.ids(version: 2).count == 8)
      #expect(
        try await store.nearest(NearestQuery(code: code(0), version: 2, k: 9)).matches.allSatisfy { $0.distance == 1 })

      await expectError(.failedPrecondition, "version 1") { try await store.removeVersion(1) }
      await expectError(.failedPrecondition, "version 2") { try await store.removeVersion(2) }
      settings.active = .init(version: 2, bits: 64)
      settings.next = nil
      try await store.save(settings)
      try await store.removeVersion(1)
      try await store.removeVersion(1)
      await expectError(.failedPrecondition, "version 1", "2") { _ = try await store.ids(version: 1) }
      await expectError(.failedPrecondition, "items[0].picture.codes[1]") { _ = try await store.put([.testing("x")]) }
      #expect(try await store.picture(hashes[1])?.codes == [2: code(1)])
      #expect(try await store.statistics().codes == [2: 4])
      #expect(try await store.ids(version: 2).count == 8)
      // A version that comes back has none of the codes it had.
      try await store.addVersion(1, bits: 32)
      #expect(try await store.nearest(NearestQuery(code: [0, 0, 0, 0], version: 1, k: 9)).matches == [])
    }
  }

  @Test("a picture that came as a code is never asked for", arguments: Stores.all)
  func withoutData(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      _ = try await store.put([.testing("a")])
      try await store.addVersion(2, bits: 64)
      #expect(try await store.pictures(withoutCodeOf: 2, after: nil, limit: 10) == [])
      // It may be given one all the same.
      try await store.setCodes(
        [PictureCode(picture: NewItem.testing("a").picture.hash, code: code(3), prediction: Prediction())], of: 2)
      #expect(try await store.ids(version: 2) == ["a"])
    }
  }

  @Test("a picture needs no code of every version", arguments: Stores.all)
  func partly(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore(.testing(next: .init(version: 2, bits: 64))) { store in
      var item = NewItem.testing("b")
      item.picture.codes = [2: code(0)]
      var file = NewItem.testing("c")
      file.picture.codes = [:]
      file.picture.data = [1]
      _ = try await store.put([.testing("a"), item, file])
      #expect(try await store.ids(version: 1) == ["a"])
      #expect(try await store.ids(version: 2) == ["b"])
      #expect(try await store.pictures(withoutCodeOf: 1, after: nil, limit: 10) == [file.picture.hash])
      _ = try await store.remove(["a", "b", "c"])
      #expect(try await store.ids(version: 2) == [])
    }
  }
}
