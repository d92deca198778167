import Foundation
import Testing
import ZooItems
import ZooSQLiteStore
import ZooSeeded

@Suite("SQLite: killed at any point")
struct SQLiteCrashTests {
  /// What an item is to be after a line of the script; nil where it is removed.
  private struct Line {
    let writer: Int
    let id: String
    let item: (category: String, colour: String, picture: ContentHash)?

    var text: String {
      guard let item else { return "\(writer)\tremove\t\(id)" }
      return "\(writer)\tput\t\(id)\t\(item.category)\t\(item.colour)\t\(item.picture)"
    }

    func describes(_ other: Item?) -> Bool {
      guard let item, let other else { return item == nil && other == nil }
      return item.category == other.category && ["colour": item.colour] == other.attributes
        && item.picture == other.picture
    }
  }

  private static let rounds = 100
  private static let writers = 4

  private static func script(_ generator: inout SeededGenerator) -> [Line] {
    (0..<2000).map { number in
      let writer = number % writers
      let id = "\(writer) \(Int.random(in: 0..<20, using: &generator))"
      guard generator.chance(0.7) else { return Line(writer: writer, id: id, item: nil) }
      let category = "category \(Int.random(in: 0..<8, using: &generator))"
      let colour = "colour \(Int.random(in: 0..<50, using: &generator))"
      let picture = ContentHash.testing(Int.random(in: 0..<60, using: &generator))
      return Line(writer: writer, id: id, item: (category, colour, picture))
    }
  }

  @Test("what was acknowledged is there, what was removed is not, and searches find what is stored")
  func killed() async throws {
    let folder = temporaryFolder()
    try await SQLiteStore.create(at: folder, settings: .testing(), threads: 1).close()
    var generator = SeededGenerator(seed: 9)
    var acknowledged = 0
    var unacknowledged = 0
    var before: [String: Item] = [:]
    for round in 1...Self.rounds {
      let script = Self.script(&generator)
      let process = try WritingProcess(index: folder, script: script.map(\.text))
      var done = [Int](repeating: 0, count: Self.writers)
      for _ in 0..<Int.random(in: 0..<60, using: &generator) {
        guard let line = process.nextLine() else { break }
        done[script[line].writer] += 1
      }
      if generator.chance(0.5) { usleep(UInt32.random(in: 0..<2000, using: &generator)) }
      process.kill()
      while let line = process.nextLine() { done[script[line].writer] += 1 }
      process.waitForEnd()

      let store = try await SQLiteStore.open(at: folder, threads: 1)
      let after = try await items(of: store)
      for writer in 0..<Self.writers {
        let lines = script.filter { $0.writer == writer }
        // The line that was being written may be done or not.
        let isDone = matches(lines.prefix(done[writer]), before: before, after: after, writer)
        let isOneMore = matches(lines.prefix(done[writer] + 1), before: before, after: after, writer)
        #expect(isDone || isOneMore, "writer \(writer) after \(done[writer]) writes")
        acknowledged += done[writer]
        unacknowledged += isDone ? 0 : 1
      }
      try await expectSearchesToFind(after.values.sorted { $0.number < $1.number }, in: store)
      if round % 10 == 0 { try await store.rebuild() }
      await store.close()
      before = after
    }
    try FileManager.default.removeItem(at: folder)
    print("killed \(Self.rounds) times after \(acknowledged) writes; \(unacknowledged) more were stored by then")
    #expect(acknowledged > 10 * Self.rounds)
  }

  /// Of a picture, by a version of the hasher.
  private static func prediction(_ picture: Int, _ version: Int) -> Prediction {
    Prediction(
      category: "category \(picture % (3 + version))", attributes: ["colour": "colour \(picture % (10 * version))"])
  }

  @Test("another version becomes active with its predictions, or not at all")
  func killedSwitching() async throws {
    let folder = temporaryFolder()
    var store = try await SQLiteStore.create(at: folder, settings: .testing(), threads: 1)
    try await store.addVersion(2, bits: 64)
    for start in stride(from: 0, to: 3000, by: 1000) {
      _ = try await store.put(
        (start..<start + 1000).map { number in
          let first = Self.prediction(number, 1)
          var item = NewItem.testing(
            "\(number)", category: first.category, attributes: first.attributes, picture: number)
          item.picture.codes = [1: code(0), 2: code(0)]
          item.picture.predictions = [1: first, 2: Self.prediction(number, 2)]
          // Every fifth one is given.
          item.predicted = number % 5 == 0 ? .init() : .init(category: true, attributes: ["colour"])
          return item
        })
    }
    var generator = SeededGenerator(seed: 10)
    var active = 1
    var switches = 0
    var unacknowledged = 0
    for round in 1...40 {
      await store.close()
      let script = (0..<8).map { "0\tactivate\t\((active + $0) % 2 + 1)" }
      let process = try WritingProcess(index: folder, script: script)
      var done = 0
      for _ in 0..<Int.random(in: 0..<4, using: &generator) where process.nextLine() != nil { done += 1 }
      usleep(UInt32.random(in: 0..<40_000, using: &generator))
      process.kill()
      while process.nextLine() != nil { done += 1 }
      process.waitForEnd()
      switches += done

      store = try await SQLiteStore.open(at: folder, threads: 1)
      let acknowledged = (active + done + 1) % 2 + 1
      active = Int(try await store.settings().active.version)
      if active != acknowledged { unacknowledged += 1 }
      #expect(active == acknowledged || done < script.count)
      var categories: [String: Set<UInt32>] = [:]
      for item in try await store.items(after: 0, limit: 3000) {
        let number = try #require(Int(item.id))
        let prediction = Self.prediction(number, number % 5 == 0 ? 1 : active)
        #expect(item.category == prediction.category && item.attributes == prediction.attributes, "round \(round)")
        categories[item.category, default: []].insert(item.number)
      }
      #expect(categories.values.reduce(0) { $0 + $1.count } == 3000)
      for (category, numbers) in categories {
        for version in [1, 2] as [UInt32] {
          let found = try await store.nearest(
            NearestQuery(code: code(0), version: version, k: 3000, categories: [category])
          ).matches
          #expect(Set(found.map(\.number)) == numbers)
        }
      }
      if round % 10 == 0 { try await store.rebuild() }
    }
    await store.close()
    try FileManager.default.removeItem(at: folder)
    print("killed 40 times after \(switches) switches; \(unacknowledged) more were done by then")
    #expect(switches > 20)
  }

  private func matches(
    _ lines: ArraySlice<Line>, before: [String: Item], after: [String: Item], _ writer: Int
  ) -> Bool {
    var last: [String: Line] = [:]
    for line in lines { last[line.id] = line }
    return (0..<20).map { "\(writer) \($0)" }.allSatisfy { id in
      last[id].map { $0.describes(after[id]) } ?? (before[id] == after[id])
    }
  }

  private func items(of store: SQLiteStore) async throws -> [String: Item] {
    Dictionary(uniqueKeysWithValues: try await store.items(after: 0, limit: 1000).map { ($0.id, $0) })
  }

  /// A picture's code is the first bytes of its hash.
  private func expectSearchesToFind(_ items: [Item], in store: SQLiteStore) async throws {
    let query = Array(ContentHash.testing(0).bytes.prefix(8))
    let expected = items.map { item in
      Match(
        number: item.number,
        distance: zip(query, item.picture.bytes).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount },
        category: item.category, attributes: item.attributes)
    }.sorted { ($0.distance, $0.number) < ($1.distance, $1.number) }
    #expect(try await store.nearest(NearestQuery(code: query, version: 1, k: 1000)).matches == expected)
    let pictures = Set(items.map(\.picture))
    #expect(try await store.statistics().pictures == pictures.count)
    for picture in pictures { #expect(try await store.data(ofPicture: picture) == picture.bytes) }
  }
}
