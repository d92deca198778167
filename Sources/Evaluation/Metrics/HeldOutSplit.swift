import Crypto

/// Which pictures are asked with, and which are searched: of each category the part whose SHA-256 of "seed:id" is
/// smallest is held out. The rule of tools/train/hasher.py, so that a model is measured with what it was not trained
/// with.
public struct HeldOutSplit: Sendable {
  /// Categories with fewer pictures are left out.
  public static let leastPictures = 10

  /// 0 to 1.
  public var part: Double
  public var seed: String

  public init(part: Double = 0.2, seed: String = "held out") {
    self.part = part
    self.seed = seed
  }

  /// - Parameter categories: of all pictures, by id.
  /// - Returns: the ids that are held out and the others, both sorted, and the categories that are left out.
  public func callAsFunction(
    _ categories: [String: String]
  ) -> (heldOut: [String], rest: [String], leftOut: [String]) {
    var (heldOut, rest, leftOut): ([String], [String], [String]) = ([], [], [])
    for (category, entries) in Dictionary(grouping: categories, by: \.value) {
      guard entries.count >= Self.leastPictures else {
        leftOut.append(category)
        continue
      }
      let ids = entries.map(\.key).sorted { digest($0).lexicographicallyPrecedes(digest($1)) }
      let count = Int((Double(ids.count) * part).rounded(.toNearestOrEven))
      heldOut += ids[..<count]
      rest += ids[count...]
    }
    return (heldOut.sorted(), rest.sorted(), leftOut.sorted())
  }

  private func digest(_ id: String) -> [UInt8] {
    Array(SHA256.hash(data: Array("\(seed):\(id)".utf8)))
  }
}
