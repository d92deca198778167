import Testing
import ZooItems

extension ReferenceModel {
  /// Expects everything that a store can be asked, but for searches, to be as it is here.
  func expectEqual(_ store: any ItemStore, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    #expect(try await store.items(after: 0, limit: 100_000) == itemsInOrder, sourceLocation: sourceLocation)
    let ids = items.keys.sorted() + ["missing"]
    #expect(try await store.items(ids: ids) == ids.map { items[$0] }, sourceLocation: sourceLocation)
    for (hash, picture) in pictures {
      let stored = StoredPicture(
        hash: hash, codes: picture.codes, predictions: picture.predictions, hasData: picture.data != nil)
      #expect(try await store.picture(hash) == stored, sourceLocation: sourceLocation)
      #expect(try await store.data(ofPicture: hash) == picture.data, sourceLocation: sourceLocation)
    }
    #expect(try await store.widths().bits == widths, sourceLocation: sourceLocation)
    for version in widths.keys {
      #expect(
        try await store.pictures(withoutCodeOf: version, after: nil, limit: 100_000)
          == pictures(withoutCodeOf: version, after: nil, limit: 100_000), sourceLocation: sourceLocation)
    }
    var counts = try await store.statistics()
    counts.codeBytes = 0
    counts.otherBytes = 0
    counts.diskBytes = 0
    #expect(counts == statistics, sourceLocation: sourceLocation)
  }
}
