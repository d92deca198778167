/// Vectors of length 1, side by side, for exact search by cosine.
struct FeatureVectors: Sendable {
  private typealias Lanes = SIMD16<Float>

  /// Of a vector; the last lanes are padded with zeros.
  private let blocksPerVector: Int
  private let blocks: [SIMD16<Float>]

  /// - Parameter vectors: all of one length; vectors of zeros stay so.
  init(_ vectors: [[Float]]) {
    let length = vectors.first?.count ?? 0
    let blocksPerVector = (length + Lanes.scalarCount - 1) / Lanes.scalarCount
    self.blocksPerVector = blocksPerVector
    blocks = vectors.flatMap { vector in
      let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let scale = norm > 0 ? Float(1 / norm) : 0
      var blocks = [Lanes](repeating: .zero, count: blocksPerVector)
      for (index, value) in vector.enumerated() {
        blocks[index / Lanes.scalarCount][index % Lanes.scalarCount] = value * scale
      }
      return blocks
    }
  }

  /// How many queries ``similarities(of:to:)`` takes at once.
  static let tile = 4

  /// Cosines between vectors and each of `others`: `[rows, others]`. Each of the others is read once for all rows.
  ///
  /// - Parameter rows: ``tile`` at most.
  func similarities(of rows: Range<Int>, to others: FeatureVectors) -> [[Float]] {
    let length = blocksPerVector
    guard length > 0 else { return rows.map { _ in [] } }
    let count = others.blocks.count / length
    var result = rows.map { _ in [Float](repeating: 0, count: count) }
    blocks.withUnsafeBufferPointer { own in
      others.blocks.withUnsafeBufferPointer { other in
        // Where there are fewer rows than a tile has, the last is done again.
        let starts = (0..<Self.tile).map { min(rows.lowerBound + $0, rows.upperBound - 1) * length }
        let (a, b, c, d) = (starts[0], starts[1], starts[2], starts[3])
        for item in 0..<count {
          var (sumA, sumB, sumC, sumD) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
          for block in 0..<length {
            let lanes = other[item * length + block]
            sumA += own[a + block] * lanes
            sumB += own[b + block] * lanes
            sumC += own[c + block] * lanes
            sumD += own[d + block] * lanes
          }
          let sums = SIMD4(sumA.sum(), sumB.sum(), sumC.sum(), sumD.sum())
          for row in result.indices { result[row][item] = sums[row] }
        }
      }
    }
    return result
  }

  /// Keys that order like falling similarity, and are equal where it is.
  static func keys(_ similarities: [Float]) -> [UInt32] {
    similarities.map { similarity in
      // The bits of floats order like integers once the negative ones are turned around.
      let bits = (similarity + 0).bitPattern
      return bits >> 31 == 0 ? 0x7FFF_FFFF - bits : bits
    }
  }
}
