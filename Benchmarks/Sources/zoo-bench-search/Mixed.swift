import Foundation
import Measuring
import SwiftProtobuf
import Synchronization
import ZooClient
import ZooProtocol

/// Searches by code in a closed loop: alone, and then while one caller puts items and another removes items, the oldest first.
final class Mixed: Sendable {
  /// Items that are left, so that a search hardly ever finds one that is removed before it is read.
  static let fewest = 1000
  private static let k = 20

  struct Rate: Encodable {
    var perSecond: Double
    var medianMilliseconds: Double
    var p99Milliseconds: Double

    var text: String {
      String(format: "%.0f a second, median %.2f ms, p99 %.2f ms", perSecond, medianMilliseconds, p99Milliseconds)
    }
  }

  struct Result: Encodable, CustomStringConvertible {
    var searchesAlone: Rate
    var searches: Rate
    /// Calls of one item.
    var puts: Rate
    var removals: Rate

    var description: String {
      """
      searches by code, two callers, nothing else: \(searchesAlone.text)
      the same while items come and go: \(searches.text)
        puts of one item: \(puts.text)
        removals of one item: \(removals.text)
      """
    }
  }

  let client: ZooClient
  let index: String
  let maker: ItemMaker
  /// In the index: 0 until this.
  let items: Int
  /// Items that were put since.
  private let put = Atomic<Int>(0)

  init(client: ZooClient, index: String, maker: ItemMaker, items: Int) {
    self.client = client
    self.index = index
    self.maker = maker
    self.items = items
  }

  func measure(for duration: Duration) async throws -> Result {
    let alone = try await searches(for: duration)
    async let puts = rate(for: duration) { round in
      try await Filling(client: client, index: index, maker: maker).put(items + round..<items + round + 1)
      put.add(1, ordering: .releasing)
    }
    async let removals = rate(
      for: duration, while: { [self] in $0 + Self.fewest < items + put.load(ordering: .acquiring) }
    ) {
      round in
      let removed = try await client.remove([maker.id(round)], from: index)
      guard removed == [true] else { throw ZooError(.internal, "item \(round) was not there to be removed") }
    }
    let mixed = try await searches(for: duration)
    return Result(searchesAlone: alone, searches: mixed, puts: try await puts, removals: try await removals)
  }

  private func searches(for duration: Duration) async throws -> Rate {
    async let first = times(for: duration) { try await search(2 * $0) }
    async let second = times(for: duration) { try await search(2 * $0 + 1) }
    return Self.rate(try await first + second, duration)
  }

  private func search(_ round: Int) async throws {
    let result = try await client.search(
      .with {
        ($0.index, $0.k, $0.allCategories) = (index, UInt32(Self.k), true)
        $0.code = maker.code(UInt64.max - UInt64(round))
      })
    guard result.hits.count == Self.k else { throw ZooError(.internal, "a search found \(result.hits.count) items") }
  }

  private func rate(
    for duration: Duration, while isPossible: @Sendable (Int) -> Bool = { _ in true },
    _ body: @Sendable (Int) async throws -> Void
  ) async throws -> Rate {
    Self.rate(try await times(for: duration, while: isPossible, body), duration)
  }

  private static func rate(_ times: [Double], _ duration: Duration) -> Rate {
    Rate(
      perSecond: Double(times.count) / (duration / .seconds(1)), medianMilliseconds: Statistics.median(times),
      p99Milliseconds: Statistics.quantile(times, 0.99))
  }

  /// Milliseconds of each call, one after the other. Waits where the next one is not possible yet.
  private func times(
    for duration: Duration, while isPossible: @Sendable (Int) -> Bool = { _ in true },
    _ body: @Sendable (Int) async throws -> Void
  ) async throws -> [Double] {
    let end = ContinuousClock.now + duration
    var times: [Double] = []
    while ContinuousClock.now < end {
      guard isPossible(times.count) else {
        try await Task.sleep(for: .milliseconds(1))
        continue
      }
      let start = ContinuousClock.now
      try await body(times.count)
      times.append((.now - start).milliseconds)
    }
    return times
  }
}
