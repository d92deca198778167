/// A ranking as its measures see it: groups of equal rank, the best first, and how many of each are relevant.
///
/// Relevance has levels, each within the one before: the same category; and the same colour; and the same gender.
public struct TieGroups: Sendable, Hashable {
  /// The key of what is not found at all.
  public static let notRanked = UInt32.max

  /// Of each group.
  public private(set) var counts: [Int] = []
  /// By level, then by group.
  public private(set) var relevant: [[Int]]

  /// - Parameters:
  ///   - keys: one for each item of the database; smaller ones come first, equal ones tie.
  ///   - depths: how many levels of relevance an item meets, 0 to `levels`.
  public init(keys: [UInt32], depths: [UInt8], levels: Int) {
    precondition(keys.count == depths.count && levels < 8)
    relevant = Array(repeating: [], count: levels)
    let ranked = keys.lazy.filter { $0 != Self.notRanked }
    guard let largest = ranked.max() else { return }
    if Int(largest) <= 4 * keys.count + 4096 {
      count(keys, depths, largest: Int(largest))
    } else {
      sort(keys, depths)
    }
  }

  /// - Parameters:
  ///   - counts: of each group.
  ///   - relevant: by level, then by group.
  public init(counts: [Int], relevant: [[Int]]) {
    self.counts = counts
    self.relevant = relevant
  }

  private mutating func count(_ keys: [UInt32], _ depths: [UInt8], largest: Int) {
    // [key, depth]
    var histogram = [Int32](repeating: 0, count: (largest + 1) * 8)
    for (key, depth) in zip(keys, depths) where key != Self.notRanked { histogram[Int(key) * 8 + Int(depth)] += 1 }
    for key in 0...largest { append(histogram[(key * 8)..<(key * 8 + 8)]) }
  }

  private mutating func sort(_ keys: [UInt32], _ depths: [UInt8]) {
    var packed: [UInt64] = []
    packed.reserveCapacity(keys.count)
    for (key, depth) in zip(keys, depths) where key != Self.notRanked {
      packed.append(UInt64(key) << 8 | UInt64(depth))
    }
    packed.sort()
    var byDepth = ArraySlice<Int32>(repeating: 0, count: 8)
    for (index, value) in packed.enumerated() {
      byDepth[Int(value & 0xFF)] += 1
      if index + 1 == packed.count || packed[index + 1] >> 8 != value >> 8 {
        append(byDepth)
        for depth in byDepth.indices { byDepth[depth] = 0 }
      }
    }
  }

  /// - Parameter byDepth: how many items of the group meet so many levels.
  private mutating func append(_ byDepth: ArraySlice<Int32>) {
    var count = 0
    var level = 7
    for number in byDepth.reversed() {
      if level < relevant.count { relevant[level].append(count) }
      count += Int(number)
      level -= 1
    }
    if count > 0 {
      counts.append(count)
    } else {
      for level in relevant.indices { relevant[level].removeLast() }
    }
  }
}
