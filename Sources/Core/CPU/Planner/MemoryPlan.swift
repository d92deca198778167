/// Where in one block of memory results lie that live at different times.
struct MemoryPlan {
  /// A result: written by the step `first`, needed until the step `last` has run.
  struct Lifetime: Hashable {
    /// In floats.
    var size: Int
    var first: Int
    var last: Int

    func overlaps(_ other: Lifetime) -> Bool { first <= other.last && other.first <= last }
  }

  /// One for each lifetime, in floats; multiples of ``alignment``.
  let offsets: [Int]
  /// In floats.
  let size: Int

  /// In floats: one cache line.
  static let alignment = 16

  /// Places the largest first, each into the smallest gap that the results living at the same time leave.
  init(_ lifetimes: [Lifetime]) {
    var offsets = Array(repeating: 0, count: lifetimes.count)
    var placed: [Int] = []
    var size = 0
    let order = lifetimes.indices.sorted { (lifetimes[$0].size, $1) > (lifetimes[$1].size, $0) }
    for index in order {
      let needed = lifetimes[index].size.roundedUp(to: Self.alignment)
      let neighbours = placed.filter { lifetimes[$0].overlaps(lifetimes[index]) }.sorted { offsets[$0] < offsets[$1] }
      var end = 0
      var best: (offset: Int, gap: Int)?
      for neighbour in neighbours {
        let gap = offsets[neighbour] - end
        if gap >= needed, gap < best?.gap ?? .max { best = (end, gap) }
        end = max(end, offsets[neighbour] + lifetimes[neighbour].size.roundedUp(to: Self.alignment))
      }
      offsets[index] = best?.offset ?? end
      size = max(size, offsets[index] + needed)
      placed.append(index)
    }
    self.offsets = offsets
    self.size = size
  }
}
