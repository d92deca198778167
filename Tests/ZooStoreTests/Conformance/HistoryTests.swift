import Testing
import ZooItems

@Suite("Random histories")
struct HistoryTests {
  /// The kind of history.
  struct Plan: Sendable, CustomTestStringConvertible {
    let seed: UInt64
    let steps: Int
    let queriesAStep: Int
    let bits: Int
    /// Of ids, and of pictures: few, so that they meet.
    let ids: Int
    let pictures: Int
    let categories: Int

    var testDescription: String { "seed \(seed): \(ids) ids, \(pictures) pictures, \(bits) bits" }
  }

  static let plans = [
    Plan(seed: 1, steps: 900, queriesAStep: 3, bits: 64, ids: 12, pictures: 6, categories: 2),
    Plan(seed: 2, steps: 900, queriesAStep: 3, bits: 32, ids: 120, pictures: 60, categories: 5),
    Plan(seed: 3, steps: 900, queriesAStep: 3, bits: 256, ids: 1500, pictures: 1000, categories: 9),
    Plan(seed: 4, steps: 500, queriesAStep: 4, bits: 512, ids: 400, pictures: 500, categories: 1),
  ]

  @Test("a store answers as the reference does, whatever happened before", arguments: Stores.all, plans)
  func histories(_ kind: any StoreUnderTest, _ plan: Plan) async throws {
    let settings = IndexSettings.testing(bits: plan.bits)
    try await kind.withIndex(settings) { index in
      var history = RandomHistory(plan, settings)
      for _ in 0..<plan.steps {
        try await history.step(&index)
        try await history.search(index.store, count: plan.queriesAStep)
      }
      try await history.model.expectEqual(index.store)
      #expect(history.searches >= 2000 && history.matches > history.searches)
      index = try await index.reopened()
      try await history.model.expectEqual(index.store)
      try await history.search(index.store, count: 100)
    }
  }
}
