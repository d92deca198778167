import Testing
import ZooItems

/// An index in PostgreSQL and one in SQLite with the same history, which are to give the same answers.
final class ComparedIndex: Sendable {
  let searches = SharedValue(0)
  /// First words of how PostgreSQL found what it found.
  let plans = SharedValue<Set<String>>([])

  private let postgres: PostgresIndex
  private let sqlite: any IndexUnderTest
  private let history: SharedValue<ClusteredHistory>

  init(connection: String, seed: UInt64) async throws {
    postgres = try await PostgresIndex(connection: connection, .testing())
    sqlite = try await SQLiteUnderTest().make(.testing())
    history = SharedValue(ClusteredHistory(seed: seed))
  }

  /// Puts batches of 1000 items, and removes some after each.
  func write(_ batches: Int) async throws {
    for _ in 0..<batches {
      let (items, removed) = history.change { $0.next(1000) }
      #expect(try await postgres.store.put(items) == sqlite.store.put(items))
      #expect(try await postgres.store.remove(removed) == sqlite.store.remove(removed))
    }
  }

  /// Searches at random, four at a time.
  func search(_ count: Int) async throws {
    let queries = (0..<count).map { _ in history.change { $0.query() } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for part in 0..<4 {
        group.addTask { [self] in
          for query in queries[(part * count / 4)..<((part + 1) * count / 4)] {
            let found = try await postgres.store.nearest(query)
            #expect(try await sqlite.store.nearest(query).matches == found.matches, "\\(query)")
            plans.change { _ = $0.insert(found.plan.split(separator: " ").first.map(String.init) ?? "") }
            searches.change { $0 += 1 }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  func drop() async throws {
    try await sqlite.drop()
    try await postgres.drop()
  }
}
