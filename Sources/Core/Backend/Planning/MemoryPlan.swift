/// Where in one block of memory results lie that live at different times.
public struct MemoryPlan: Sendable {
  /// A result: written by the step `first`, needed until the step `last` has run.
  public struct Lifetime: Sendable, Hashable {
    /// In floats or bytes, as whoever plans counts.
    public var size: Int
    public var first: Int
    public var last: Int

    public init(size: Int, first: Int, last: Int) {
      self.size = size
      self.first = first
      self.last = last
    }

    public func overlaps(_ other: Lifetime) -> Bool { first <= other.last && other.first <= last }
  }

  /// One for each lifetime; multiples of the alignment.
  public let offsets: [Int]
  public let size: Int

  /// Places the largest first, each into the smallest gap that the results living at the same time leave.
  ///
  /// - Parameter alignment: of every offset, in the unit of the sizes.
  public init(_ lifetimes: [Lifetime], alignment: Int) {
    func aligned(_ size: Int) -> Int { (size + alignment - 1) / alignment * alignment }
    var offsets = Array(repeating: 0, count: lifetimes.count)
    var placed: [Int] = []
    var size = 0
    let order = lifetimes.indices.sorted { (lifetimes[$0].size, $1) > (lifetimes[$1].size, $0) }
    for index in order {
      let needed = aligned(lifetimes[index].size)
      let neighbours = placed.filter { lifetimes[$0].overlaps(lifetimes[index]) }.sorted { offsets[$0] < offsets[$1] }
      var end = 0
      var best: (offset: Int, gap: Int)?
      for neighbour in neighbours {
        let gap = offsets[neighbour] - end
        if gap >= needed, gap < best?.gap ?? .max { best = (end, gap) }
        end = max(end, offsets[neighbour] + aligned(lifetimes[neighbour].size))
      }
      offsets[index] = best?.offset ?? end
      size = max(size, offsets[index] + needed)
      placed.append(index)
    }
    self.offsets = offsets
    self.size = size
  }
}
