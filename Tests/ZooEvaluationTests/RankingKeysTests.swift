import Testing
import ZooSeeded

@testable import ZooEvaluation

/// The ways to rank order items as their definitions say.
struct RankingKeysTests {
  @Test(arguments: [8, 64, 72, 256])
  func distancesCountTheBitsThatDiffer(bits: Int) {
    var random = SeededGenerator(seed: UInt64(bits))
    let codes = (0..<9).map { _ in (0..<bits / 8).map { _ in UInt8.random(in: 0...255, using: &random) } }
    let packed = BinaryCodes(codes, bits: bits)
    for (index, code) in codes.enumerated() {
      let expected = codes.map { other in zip(code, other).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount } }
      #expect(packed.distances(of: index, to: packed) == expected.map { UInt32($0) })
    }
  }

  @Test(arguments: [1, 5, 16, 37])
  func similaritiesAreCosines(length: Int) {
    var random = SeededGenerator(seed: UInt64(length))
    let vectors = (0..<7).map { _ in (0..<length).map { _ in Float.random(in: -1...1, using: &random) } }
    let packed = FeatureVectors(vectors)
    for start in stride(from: 0, to: vectors.count, by: FeatureVectors.tile) {
      let rows = start..<min(start + FeatureVectors.tile, vectors.count)
      for (row, similarities) in zip(rows, packed.similarities(of: rows, to: packed)) {
        for (item, similarity) in similarities.enumerated() {
          func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
          let (a, b) = (vectors[row], vectors[item])
          let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
          #expect(abs(Double(similarity) - cosine) < 1e-6)
        }
      }
    }
  }

  @Test func keysOfSimilaritiesFallAsTheyRise() {
    let rising: [Float] = [-1, -0.5, -1e-30, 0, 1e-30, 0.25, 0.250001, 1]
    let keys = FeatureVectors.keys(rising)
    #expect(keys == keys.sorted(by: >))
    #expect(Set(keys).count == keys.count)
    #expect(FeatureVectors.keys([-0.0]) == FeatureVectors.keys([0]))
    #expect(!keys.contains(TieGroups.notRanked))
  }

  @Test(arguments: [0, 0.3, 0.75, 1])
  func attributesAreRankedByTheFormula(lambda: Double) {
    let (bits, weights) = (16, [1.0, 0, 2.5])
    let scores = AttributeScores(bits: bits, lambda: lambda, weights: weights)
    var all: [(score: Double, key: UInt32)] = []
    for mask in 0..<8 {
      for distance in 0...bits {
        let reward = weights.indices.reduce(0) { $0 + (mask >> $1 & 1 == 1 ? weights[$1] : 0) }
        let score = lambda * (1 - Double(distance) / Double(bits)) + (1 - lambda) * (reward / 3.5)
        all.append((score, scores.key(mask: UInt8(mask), distance: UInt32(distance))))
      }
    }
    for (a, keyA) in all {
      for (b, keyB) in all {
        if a > b { #expect(keyA < keyB) } else if a == b { #expect(keyA == keyB) }
      }
    }
    #expect(all.allSatisfy { $0.key < scores.end })
  }

  @Test func withoutAttributesAppearanceDecidesAlone() {
    let scores = AttributeScores(bits: 32, lambda: 0.5, weights: [0, 0])
    for distance: UInt32 in 0...32 {
      for mask: UInt8 in 0..<4 { #expect(scores.key(mask: mask, distance: distance) == distance) }
    }
  }
}
