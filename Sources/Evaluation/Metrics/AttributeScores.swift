/// Orders what differs in so many bits and has these of the query's attributes by S = λ · (1 − distance / bits) +
/// (1 − λ) · Σ wᵢ · [aᵢ(query) = aᵢ(item)] / Σ wᵢ (arXiv 1706.03154, section 3.4).
struct AttributeScores: Sendable {
  /// The most attributes that are told apart.
  static let mostAttributes = 8

  private let bits: Int
  /// By the mask of equal attributes, then by distance: the place among all scores, the best first.
  private let places: [UInt32]

  /// - Parameter weights: by attribute; 0 for one that the query lacks. Where all are 0, appearance decides alone.
  init(bits: Int, lambda: Double, weights: [Double]) {
    precondition(weights.count <= Self.mostAttributes)
    self.bits = bits
    let total = weights.reduce(0, +)
    var scores: [Double] = []
    for mask in 0..<1 << weights.count {
      let reward = weights.indices.reduce(0) { $0 + (mask >> $1 & 1 == 1 ? weights[$1] : 0) }
      for distance in 0...bits {
        let appearance = 1 - Double(distance) / Double(bits)
        scores.append(total > 0 ? lambda * appearance + (1 - lambda) * (reward / total) : appearance)
      }
    }
    var places = [UInt32](repeating: 0, count: scores.count)
    var place: UInt32 = 0
    var previous: Double?
    for index in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
      if let previous, scores[index] != previous { place += 1 }
      previous = scores[index]
      places[index] = place
    }
    self.places = places
  }

  /// The key of an item, smaller for higher scores.
  func key(mask: UInt8, distance: UInt32) -> UInt32 {
    places[Int(mask) * (bits + 1) + Int(distance)]
  }

  /// What no key reaches.
  var end: UInt32 { UInt32(places.count) }
}
