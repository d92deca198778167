/// What an index held at one moment. It stays as it is while the index changes.
public struct HammingSnapshot: Sendable {
  let state: IndexState
  let engine: SearchEngine

  /// Items that searches can find.
  public var count: Int { state.liveCount }

  /// Items in these partitions, each of which counts once.
  public func count(in partitions: [UInt32]) -> Int {
    state.partitions(partitions).reduce(0) { $0 + $1.liveCount }
  }

  /// The `k` nearest items, exactly.
  ///
  /// - Parameters:
  ///   - code: `bits / 8` bytes; another number of them is a programming error.
  ///   - partitions: where to look; everywhere where nil. Those that do not exist have no items.
  ///   - labels: only items with these are neighbours.
  public func nearest(
    to code: [UInt8], k: Int, partitions: [UInt32]? = nil, accepting labels: LabelSet? = nil,
    by method: HammingMethod = .automatic
  ) -> HammingAnswer {
    nearest(to: [code], k: k, partitions: partitions, accepting: labels, by: method)[0]
  }

  /// The `k` nearest items of many codes at once, which takes less time than one after the other: an item's code is read once
  /// for all. Answers are in the order of `codes`.
  public func nearest(
    to codes: [[UInt8]], k: Int, partitions: [UInt32]? = nil, accepting labels: LabelSet? = nil,
    by method: HammingMethod = .automatic
  ) -> [HammingAnswer] {
    for code in codes {
      precondition(
        code.count == engine.shape.codeBytes,
        "a code of \(code.count) bytes: this index has codes of \(engine.shape.codeBytes) bytes")
    }
    precondition(k >= 0, "k is \(k): it is 0 or more")
    guard !codes.isEmpty else { return [] }
    let runs = state.partitions(partitions).flatMap(\.all)
    return Search(engine: engine, runs: runs, labels: labels, method: method).nearest(to: codes, k: k)
  }
}
