/// What the steps of a search take, in nanoseconds: by measurement on an AMD EPYC of the fourth generation. The planner
/// compares only their sums, so what counts is how they stand to each other.
struct CostModel: Sendable {
  /// Looking up a key, the offsets being in the second cache.
  var key = 2.0
  /// Reading a code that a table with positions shows: a line of memory, mostly, of which several are under way.
  var candidate = 4.0
  /// Reading a code that the first table shows, which lies beside others.
  var neighbour = 0.7
  /// A byte of codes that is scanned, from memory.
  var byte = 0.035
  /// A byte of codes that stay in the last cache.
  var cachedByte = 0.012
  /// Codes of a run up to this stay there.
  var cacheBytes = 16 << 20

  func scan(bytes: Int, threads: Int) -> Double {
    let one = Double(bytes) * (bytes <= cacheBytes ? cachedByte : byte)
    // Two threads have about as much of memory's bandwidth as many have.
    return one / Double(bytes <= cacheBytes ? threads : min(threads, 2))
  }
}
