import Synchronization
import Testing
import ZooItems
import ZooSeeded

@Suite("Many at once")
struct ConcurrencyTests {
  /// What may be said of items at one time.
  private struct Known {
    /// Codes of items whose put has returned and that nobody removes, by number.
    var stored: [UInt32: UInt64] = [:]
    /// Numbers of items whose removal has returned.
    var gone: Set<UInt32> = []
    /// Those who write.
    var writers = 4
  }

  private final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }
    func change(_ body: (inout sending Value) -> Void) { state.withLock { body(&$0) } }
  }

  @Test("no write that returned is lost, and nothing removed is found, while others write", arguments: Stores.all)
  func writersAndSearchers(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      let store = index.store
      let known = Shared(Known())
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<known.value.writers {
          group.addTask {
            defer { known.change { $0.writers -= 1 } }
            var generator = SeededGenerator(seed: UInt64(writer))
            for step in 0..<60 {
              let codes = (0..<3).map { _ in UInt64.random(in: 0 ... .max, using: &generator) }
              // One stays, one is replaced by the next step, one is removed.
              let outcomes = try await store.put([
                .testing("\(writer) stays \(step)", code: codes[0]),
                .testing("\(writer) changes", code: codes[1], picture: 1_000_000 + writer * 1000 + step),
                .testing("\(writer) goes \(step)", code: codes[2]),
              ])
              #expect(outcomes[1].replaced == (step > 0))
              known.change { $0.stored[outcomes[0].number] = codes[0] }
              #expect(try await store.remove(["\(writer) goes \(step)"]) == [true])
              known.change { $0.gone.insert(outcomes[2].number) }
            }
          }
        }
        for searcher in 0..<3 {
          group.addTask {
            var generator = SeededGenerator(seed: 100 + UInt64(searcher))
            while true {
              let before = known.value
              if before.writers == 0 { break }
              // A search in memory never waits, and writers want their turn.
              await Task.yield()
              guard let expected = before.stored.randomElement(using: &generator) else { continue }
              let answer = try await store.nearest(NearestQuery(code: code(expected.value), version: 1, k: 1000))
              let numbers = answer.matches.map(\.number)
              #expect(numbers.first == expected.key)
              #expect(Set(numbers).count == numbers.count)
              #expect(before.gone.isDisjoint(with: numbers))
              #expect(before.stored.keys.allSatisfy(Set(numbers).contains))
            }
          }
        }
        try await group.waitForAll()
      }
      let end = known.value
      #expect(end.stored.count == 240 && end.gone.count == 240)
      for _ in 0..<2 {
        let items = try await index.store.items(after: 0, limit: 10_000)
        #expect(items.count == 244)
        #expect(Set(items.map(\.number)).isSuperset(of: end.stored.keys))
        #expect(try await index.store.ids(k: 1000).count == 244)
        try await index.store.rebuild()
        index = try await index.reopened()
      }
    }
  }

  @Test("one bad batch among many that wait takes none of them with it", arguments: Stores.all)
  func badAmongGood(_ kind: any StoreUnderTest) async throws {
    try await kind.withStore { store in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<64 {
          group.addTask {
            var item = NewItem.testing("\(writer)", code: UInt64(writer))
            guard writer % 8 == 0 else {
              _ = try await store.put([item])
              return
            }
            item.picture.codes = [:]
            await expectError(.failedPrecondition, "items[0].picture") { [item] in _ = try await store.put([item]) }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await store.ids().count == 56)
      #expect(try await store.statistics().items == 56)
    }
  }

  @Test("many who hash and remove the same pictures agree in the end", arguments: Stores.all)
  func hashingWhileRemoving(_ kind: any StoreUnderTest) async throws {
    try await kind.withIndex { index in
      let store = index.store
      _ = try await store.put(
        (0..<200).map { number in
          var item = NewItem.testing("\(number)", code: UInt64(number), picture: number / 2)
          item.picture.data = [1]
          return item
        })
      try await store.addVersion(2, bits: 64)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for number in 0..<120 { _ = try await store.remove(["\(number)"]) }
        }
        for hasher in 0..<3 {
          group.addTask {
            for picture in stride(from: hasher, to: 100, by: 3) {
              try await store.setCodes(
                [PictureCode(picture: .testing(picture), code: code(UInt64(picture)), prediction: Prediction())],
                of: 2)
            }
          }
        }
        try await group.waitForAll()
      }
      for version in [1, 2] as [UInt32] {
        #expect(try await store.ids(version: version).sorted() == (120..<200).map { "\($0)" })
      }
      #expect(try await store.statistics().codes == [1: 40, 2: 40])
      try await store.rebuild()
    }
  }
}
