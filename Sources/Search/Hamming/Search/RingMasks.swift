/// The differences between a key and the keys at a distance from it, distance by distance.
enum RingMasks {
  /// All numbers of 16 bits, ordered by their set bits, then by size. So those of keys with fewer bits come first at every
  /// distance.
  private static let all: [UInt16] = (0...UInt16.max).sorted { ($0.nonzeroBitCount, $0) < ($1.nonzeroBitCount, $1) }
  private static let starts: [Int] = (0...16).reduce(into: [0]) { $0.append($0.last! + binomial(16, $1)) }

  static func binomial(_ n: Int, _ k: Int) -> Int {
    k > n ? 0 : (0..<k).reduce(1) { $0 * (n - $1) / ($1 + 1) }
  }

  /// The differences of `distance` bits between keys of `keyBits` bits.
  static func masks(keyBits: Int, distance: Int) -> ArraySlice<UInt16> {
    let start = starts[distance]
    return all[start..<start + binomial(keyBits, distance)]
  }
}
