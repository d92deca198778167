import CZooHamming

/// One search over the runs of a snapshot: it decides, run by run and query by query, between tables and a scan.
struct Search {
  let engine: SearchEngine
  let runs: [Run]
  let labels: LabelSet?
  let method: HammingMethod
  let costs = CostModel()

  init(engine: SearchEngine, runs: [Run], labels: LabelSet?, method: HammingMethod) {
    self.engine = engine
    self.runs = runs
    self.labels = labels
    self.method = method
  }

  func nearest(to codes: [[UInt8]], k: Int) -> [HammingAnswer] {
    let items = runs.reduce(0) { $0 + $1.liveCount }
    let lists = TopLists(queries: codes.count, k: min(k, items))
    var plan = HammingPlan(method: method, threads: engine.threads, instructionSet: engine.instructionSet)
    plan.items = items
    var plans = [HammingPlan](repeating: plan, count: codes.count)
    if lists.k > 0 {
      let words = codes.flatMap { engine.shape.padded($0) }
      withRequest(words, count: codes.count) { search($0, lists.tops, &plans) }
    }
    return zip(lists.sorted(), plans).map { HammingAnswer(neighbours: $0.neighbours, labels: $0.labels, plan: $1) }
  }

  private func withRequest(_ words: [UInt64], count: Int, _ body: (zoo_hamming_request) -> Void) {
    var shape = engine.shape.kernels
    withUnsafePointer(to: &shape) { shape in
      words.withUnsafeBufferPointer { words in
        // An empty set accepts nothing, so its pointer must not be nil.
        ((labels?.words ?? []) + [0]).withUnsafeBufferPointer { bitmap in
          body(
            zoo_hamming_request(
              set: engine.instructionSet.kernels, shape: shape, queries: words.baseAddress, count: count,
              labels: labels == nil ? nil : bitmap.baseAddress, label_count: bitmap.count * 64,
              prunes: method != .plainScan, backwards: engine.turn()))
        }
      }
    }
  }

  /// What queries have found and done. Every thread has queries of its own, and with them elements of these.
  private struct Queries: @unchecked Sendable {
    let request: zoo_hamming_request
    let tops: UnsafeMutableBufferPointer<zoo_hamming_top>
    let plans: UnsafeMutableBufferPointer<HammingPlan>
    /// The runs that are to be scanned, by their index, after their tables were asked.
    let left: UnsafeMutableBufferPointer<[Int]>
  }

  private func search(
    _ request: zoo_hamming_request, _ tops: UnsafeMutableBufferPointer<zoo_hamming_top>, _ plans: inout [HammingPlan]
  ) {
    let usesTables = method == .automatic || method == .multiIndex
    let indexed = usesTables ? runs.filter { $0.tables != nil } : []
    let others = usesTables ? runs.filter { $0.tables == nil } : runs
    // Scans first: they set a bound for the tables.
    scan(others, Array(tops.indices), request, tops, &plans)
    guard !indexed.isEmpty else { return }
    var left = [[Int]](repeating: [], count: tops.count)
    left.withUnsafeMutableBufferPointer { left in
      plans.withUnsafeMutableBufferPointer { plans in
        let queries = Queries(request: request, tops: tops, plans: plans, left: left)
        engine.forEach(tops.count) { askTables(of: indexed, for: $0, queries) }
      }
    }
    // Queries that need the same scans make them together.
    for (left, queries) in Dictionary(grouping: tops.indices, by: { left[$0] }) where !left.isEmpty {
      scan(left.map { indexed[$0] }, queries, request, tops, &plans)
    }
  }

  private func askTables(of indexed: [Run], for query: Int, _ queries: Queries) {
    var request = queries.request
    request.queries += query * engine.shape.words
    request.count = 1
    for (index, run) in indexed.enumerated() {
      var search = MultiIndexSearch(
        engine: engine, costs: costs, run: run, tables: run.tables!, mayAbandon: method == .automatic)
      let outcome = search.search(&request, top: &queries.tops[query])
      queries.plans[query].keys += search.keys
      queries.plans[query].candidates += search.candidates
      switch outcome {
      case .complete: queries.plans[query].indexedSegments += 1
      case .abandoned:
        queries.plans[query].abandonedSegments += 1
        queries.left[query].append(index)
      }
    }
  }

  private func scan(
    _ runs: [Run], _ queries: [Int], _ request: zoo_hamming_request,
    _ tops: UnsafeMutableBufferPointer<zoo_hamming_top>, _ plans: inout [HammingPlan]
  ) {
    guard !runs.isEmpty else { return }
    var request = request
    let words = engine.shape.words
    // What kernels take lies side by side.
    let queryWords = queries.flatMap { UnsafeBufferPointer(start: request.queries + $0 * words, count: words) }
    var some = queries.map { tops[$0] }
    var work = zoo_hamming_work()
    queryWords.withUnsafeBufferPointer { queryWords in
      request.queries = queryWords.baseAddress
      request.count = queries.count
      guard zoo_hamming_scan(engine.pool, &request, runs.map(\.rows), runs.count, &some, &work) else {
        fatalError("a search finds no memory for its neighbours: give the process more, or ask for fewer")
      }
    }
    for (index, query) in queries.enumerated() {
      tops[query] = some[index]
      plans[query].scannedSegments += runs.count
      plans[query].scannedCodes += Int(work.rows) / queries.count
      plans[query].finishedCodes += Int(work.finished) / queries.count
    }
  }
}
