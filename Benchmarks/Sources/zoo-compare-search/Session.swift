import Foundation
import Measuring
import ZooHamming

/// An index and the request that is timed.
struct Session {
  struct Missing: Error, CustomStringConvertible {
    var description: String { "there is no request to time: send 'queries' first" }
  }

  private struct Kept {
    var queries: [[UInt8]]
    var k: Int
    var method: HammingMethod
    var isBatch: Bool
  }

  let index: HammingIndex
  private var kept: Kept?

  init(index: HammingIndex) {
    self.index = index
  }

  mutating func reply(to request: Request) throws -> Answer {
    switch request {
    case .search(let queries, let k, let mode, let isBatch, let output):
      let codes = try Codes(contentsOf: queries, bytes: index.bits / 8).all
      let kept = Kept(queries: codes, k: k, method: mode.method, isBatch: isBatch)
      self.kept = kept
      var answers: [HammingAnswer] = []
      let time = ContinuousClock().measure {
        answers = isBatch ? search(kept, codes) : codes.flatMap { search(kept, [$0]) }
      }
      try write(answers, k: k, to: output)
      return .ok(milliseconds: time.milliseconds, plan: answers.first?.plan.description ?? "no queries")
    case .time(let count):
      guard let kept, !kept.queries.isEmpty else { throw Missing() }
      return .milliseconds(
        (0..<count).map { round in
          let queries = kept.isBatch ? kept.queries : [kept.queries[round % kept.queries.count]]
          return ContinuousClock().measure { _ = search(kept, queries) }.milliseconds
        })
    case .bandwidth:
      return .bandwidth(gigabytesPerSecond: try index.readBandwidth() / 1e9)
    case .residentMemory:
      return .residentMemory(mebibytes: try ResidentMemory.current())
    }
  }

  private func search(_ request: Kept, _ queries: [[UInt8]]) -> [HammingAnswer] {
    let snapshot = index.snapshot()
    return queries.count == 1
      ? [snapshot.nearest(to: queries[0], k: request.k, by: request.method)]
      : snapshot.nearest(to: queries, k: request.k, by: request.method)
  }

  /// For every query k pairs of little-endian 32-bit numbers, distance and number, −1 where there are fewer.
  private func write(_ answers: [HammingAnswer], k: Int, to path: String) throws {
    var pairs: [Int32] = []
    pairs.reserveCapacity(answers.count * k * 2)
    for answer in answers {
      for neighbour in answer.neighbours {
        pairs += [Int32(neighbour.distance).littleEndian, Int32(bitPattern: neighbour.number).littleEndian]
      }
      pairs += repeatElement(-1, count: 2 * (k - answer.neighbours.count))
    }
    try pairs.withUnsafeBytes { try Data($0).write(to: URL(filePath: path)) }
  }
}
