import Foundation
import ZooClient
import ZooProtocol

/// Puts items into an index, several batches in flight.
struct Filling: Sendable {
  struct Result: Encodable, CustomStringConvertible {
    var items: Int
    var seconds: Double

    var description: String {
      String(format: "%d items put as codes in %.1f s: %.0f a second", items, seconds, Double(items) / seconds)
    }
  }

  static let batch = 256
  private static let inFlight = 4

  let client: ZooClient
  let index: String
  let maker: ItemMaker

  func fill(_ count: Int) async throws -> Result {
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (place, first) in stride(from: 0, to: count, by: Self.batch).enumerated() {
        if place >= Self.inFlight { try await group.next() }
        group.addTask { try await put(first..<min(first + Self.batch, count)) }
      }
      try await group.waitForAll()
    }
    return Result(items: count, seconds: (.now - start) / .seconds(1))
  }

  func put(_ numbers: Range<Int>) async throws {
    let result = try await client.put(numbers.map(maker.item), into: index)
    if let refused = result.items.first(where: { $0.status.code != .ok }) {
      throw ZooError(.internal, "an item was refused: \(refused.status.message)")
    }
  }
}
