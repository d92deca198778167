import Foundation
import ZooCUDA
import ZooOpParity

/// Search for the nearest codes on a GPU: right, and how fast beside a copy in the same memory.
struct HammingCheck {
  let backend: CUDABackend

  /// Codes of several lengths against plain loops.
  func rows() throws -> [GPUCheckRow] {
    try [32, 64, 256, 1000, 4096].map { bits in
      var numbers = SeededNumbers(seed: "codes of \(bits) bits")
      let count = (1 << 22) / bits
      let codes = (0..<count * bits / 8).map { _ in UInt8.random(in: 0...255, using: &numbers) }
      let queries = (0..<9).map { _ in (0..<bits / 8).map { _ in UInt8.random(in: 0...255, using: &numbers) } }
      let card = try codes.withUnsafeBytes { try HammingCodes(bits: bits, codes: $0, on: backend) }
      let alone = try card.nearest(to: [queries[0]], k: 100), together = try card.nearest(to: queries, k: 100)
      let isRight =
        alone[0] == together[0]
        && zip(queries, together).allSatisfy { query, found in
          found
            == nearest(100, count) { row in
              zip(codes[row * bits / 8..<(row + 1) * bits / 8], query).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
            }
        }
      return GPUCheckRow(
        check: "hamming", work: "\(count) × \(bits) bits", precision: "binary", batch: queries.count, passed: isRight,
        note: isRight ? "" : "not the nearest codes")
    }
  }

  /// The ten nearest of `count` uniform codes of 64 bits, to one query and to 64.
  func times(count: Int, duration: Double) async throws -> [GPUCheckRow] {
    let bandwidth = try backend.copyBandwidth(bytes: max(1 << 12, min(8 * count, 1 << 30)))
    var numbers = SeededNumbers(seed: "\(count) codes")
    let codes = (0..<count).map { _ in numbers.next() }
    let queries = (0..<64).map { _ in numbers.next() }
    let card = try codes.withUnsafeBytes { try HammingCodes(bits: 64, codes: $0, on: backend) }
    let words = queries.map { query in withUnsafeBytes(of: query) { Array($0) } }
    let meter = GPUMeter(backend)
    var rows: [GPUCheckRow] = []
    for batch in [1, 64] {
      let asked = Array(words.prefix(batch))
      let found = try card.nearest(to: asked, k: 10)
      let isRight = [0, batch - 1].allSatisfy { query in
        found[query] == nearest(10, count) { (codes[$0] ^ queries[query]).nonzeroBitCount }
      }
      var row = GPUCheckRow(
        check: "hamming time", work: "\(count) × 64 bits", precision: "binary", batch: batch, passed: isRight)
      row.take(try await meter.times(for: duration) { _ = try card.nearest(to: asked, k: 10) })
      let share = Double(8 * count) / ((row.medianMS ?? .infinity) / 1000) / bandwidth
      row.bandwidthShare = share
      row.note =
        String(format: "reads at %.0f %% of a copy's %.0f GB/s", share * 100, bandwidth / 1e9)
        + (isRight ? "" : ", not the nearest codes")
      rows.append(row)
    }
    return rows
  }

  /// By a loop over all; numbers are rows.
  private func nearest(_ k: Int, _ count: Int, distance: (Int) -> Int) -> [HammingCodes.Neighbour] {
    var found: [(distance: Int, row: Int)] = []
    for row in 0..<count {
      let distance = distance(row)
      if found.count == k, distance >= found[k - 1].distance { continue }
      let place = found.firstIndex { $0.distance > distance } ?? found.count
      found.insert((distance, row), at: place)
      if found.count > k { found.removeLast() }
    }
    return found.map { HammingCodes.Neighbour(distance: $0.distance, number: UInt32($0.row)) }
  }
}
