/// A set of labels, as a bitmap: an item whose label is not in it is no neighbour.
public struct LabelSet: Sendable, Hashable {
  private(set) var words: [UInt64] = []

  public init() {}

  public init(_ labels: some Sequence<UInt32>) {
    for label in labels { insert(label) }
  }

  /// Adds a label. Takes memory in proportion to the greatest one, so labels are to be counted up from 0.
  public mutating func insert(_ label: UInt32) {
    let word = Int(label / 64)
    if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
    words[word] |= 1 << UInt64(label % 64)
  }

  public func contains(_ label: UInt32) -> Bool {
    let word = Int(label / 64)
    return word < words.count && words[word] >> UInt64(label % 64) & 1 == 1
  }

  /// The number of labels.
  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
}
