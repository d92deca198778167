import CZooHamming

/// Searches a run by its tables (Norouzi, Punjani, Fleet, arXiv 1307.2982). Two codes that differ in r bits differ in at
/// most r / m of one of m parts, and where r = m · ρ + j, in at most ρ of one of the first j + 1 parts, or in at most ρ − 1 of
/// one of the others. So tables are asked by turns for keys at distance 0, 1, …, and once table j has been asked for
/// distance ρ, all rows up to m · ρ + j have been seen.
struct MultiIndexSearch {
  enum Outcome {
    case complete
    /// A scan promises to be faster. What was found so far was dropped; the limit that it sets was kept.
    case abandoned
  }

  let engine: SearchEngine
  let costs: CostModel
  let run: Run
  let tables: MultiIndexTables
  /// Whether a scan may take over.
  let mayAbandon: Bool
  private(set) var keys = 0
  private(set) var candidates = 0

  init(engine: SearchEngine, costs: CostModel, run: Run, tables: MultiIndexTables, mayAbandon: Bool) {
    self.engine = engine
    self.costs = costs
    self.run = run
    self.tables = tables
    self.mayAbandon = mayAbandon
  }

  /// - Parameter request: of one query.
  mutating func search(_ request: inout zoo_hamming_request, top: inout zoo_hamming_top) -> Outcome {
    let keep = (0..<top.count).map { top.found[$0] }
    guard !askTables(&request, top: &top) else { return .complete }
    for (index, one) in keep.enumerated() { top.found[index] = one }
    top.count = keep.count
    // The scan meets the same rows again, so the last of them must still enter.
    if top.limit != .max { top.limit += 1 }
    return .abandoned
  }

  private mutating func askTables(_ request: inout zoo_hamming_request, top: inout zoo_hamming_top) -> Bool {
    var rows = run.rows
    let scan = costs.scan(bytes: run.count * engine.shape.rowBytes, threads: engine.threads)
    let (order, keys) = ranked(request.queries)
    let most = RingMasks.binomial(tables.keyBits, tables.keyBits / 2)
    var spent = 0.0
    return withUnsafeTemporaryAllocation(of: zoo_hamming_range.self, capacity: most) { ranges in
      for radius in 0...tables.keyBits {
        for (rank, table) in order.enumerated() {
          // All rows that are nearer than this have been seen.
          let seen = radius * order.count + rank
          if top.limit == 0 || (top.limit - 1) >> 32 < seen { return true }
          let masks = RingMasks.masks(keyBits: tables.keyBits, distance: radius)
          var table = table
          var rangeCount = 0
          let shown = masks.withUnsafeBufferPointer {
            zoo_hamming_probe(&table, keys[rank], $0.baseAddress, $0.count, ranges.baseAddress, &rangeCount)
          }
          self.keys += masks.count
          let step =
            Double(masks.count) * costs.key
            + Double(shown) * (table.positions == nil ? costs.neighbour : costs.candidate)
          // Before every table was asked once, the bound says little.
          let rest = radius > 0 ? rest(after: seen, top, order.count) : 0
          if mayAbandon, spent + step + rest > scan { return false }
          spent += step
          candidates += shown
          zoo_hamming_verify(
            &request, &rows, order, keys, order.count, rank, radius, ranges.baseAddress, rangeCount, &top)
        }
      }
      return true
    }
  }

  /// The tables, those that show the fewest rows first, and the query's keys in them.
  private func ranked(_ query: UnsafePointer<UInt64>) -> ([zoo_hamming_table], [UInt32]) {
    let ranked = tables.kernels.map { table in
      var table = table
      let key = zoo_hamming_key(&table, query)
      return (table: table, key: key, rows: table.offsets[Int(key) + 1] - table.offsets[Int(key)])
    }.sorted { $0.rows < $1.rows }
    return (ranked.map(\.table), ranked.map(\.key))
  }

  /// What the steps behind this one would cost, were the bound to stay and rows to be spread evenly.
  private func rest(after seen: Int, _ top: zoo_hamming_top, _ tableCount: Int) -> Double {
    guard top.limit != .max else { return 0 }
    let rowsPerKey = Double(run.count) / Double(1 << tables.keyBits)
    var cost = 0.0
    var next = seen + 1
    while next <= Int((top.limit - 1) >> 32), next / tableCount <= tables.keyBits {
      cost += Double(RingMasks.binomial(tables.keyBits, next / tableCount))
      next += 1
    }
    return cost * (costs.key + rowsPerKey * costs.candidate)
  }
}
