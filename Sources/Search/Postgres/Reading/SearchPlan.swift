/// How the shards found what is nearest, for people.
struct SearchPlan {
  private var codes: [String: Int] = [:]
  private var shards = 0

  /// - Parameters:
  ///   - method: in the words of `zoo.nearest` of tools/deploy/sql/shard.sql.
  ///   - codes: of which a shard found them.
  mutating func add(_ method: String, codes: Int) {
    self.codes[method, default: 0] += codes
    shards += 1
  }

  /// "scan of 8,280 codes in 3 categories on 2 shards".
  func text(categories: Int?) -> String {
    let methods = codes.sorted { $0.key < $1.key }.map { "\($0.key) of \(Self.grouped($0.value)) codes" }
    let scope =
      switch categories {
      case nil: "in all categories"
      case 1: "in 1 category"
      case let count?: "in \(count) categories"
      }
    return "\(methods.joined(separator: ", ")) \(scope) on \(shards) shard\(shards == 1 ? "" : "s")"
  }

  private static func grouped(_ number: Int) -> String {
    var digits = Array(String(number))
    for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
    return String(digits)
  }
}
