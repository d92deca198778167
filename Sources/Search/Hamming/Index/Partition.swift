import CZooHamming

/// The items of one category: sealed runs, the oldest first, and a tail. A value: what a snapshot holds does not change.
struct Partition: Sendable {
  let id: UInt32
  private(set) var runs: [Run] = []
  private(set) var tail: Run?
  private(set) var liveCount = 0

  init(id: UInt32) {
    self.id = id
  }

  /// The runs that have items.
  var all: [Run] { (runs + (tail.map { [$0] } ?? [])).filter { $0.liveCount > 0 } }

  var residentBytes: Int { runs.reduce(tail?.residentBytes ?? 0) { $0 + $1.residentBytes } + 2 * objectBytes }

  func contains(code: [UInt64], number: UInt32, shape: CodeShape) -> Bool {
    tail?.row(code: code, number: number, shape: shape) != nil
      || runs.contains { $0.row(code: code, number: number, shape: shape) != nil }
  }

  /// Appends an item that is not there.
  mutating func append(_ entry: HammingEntry, builder: RunBuilder) throws(HammingIndexError) {
    var tail = try roomyTail(builder)
    // The partition must not hold the tail's tombstones too.
    self.tail = nil
    tail.store.write(entry, at: tail.count, shape: builder.shape)
    tail.count += 1
    self.tail = tail
    liveCount += 1
  }

  private mutating func roomyTail(_ builder: RunBuilder) throws(HammingIndexError) -> Run {
    let least = 4
    guard let tail else { return try builder.tail(nil, capacity: least) }
    if tail.count < tail.store.capacity { return tail }
    let most = builder.tuning.tailRows(of: liveCount, rowBytes: builder.shape.rowBytes)
    if tail.liveCount < most {
      return try builder.tail(tail, capacity: min(max(2 * tail.liveCount, least), max(most, tail.liveCount + 1)))
    }
    if let run = try builder.merge([tail]) { runs.append(run) }
    return try builder.tail(nil, capacity: most)
  }

  /// Appends many items at once, none of which is there.
  mutating func append(_ run: Run) {
    runs.append(run)
    liveCount += run.liveCount
  }

  /// Deletes an item; false where it is not there.
  mutating func remove(code: [UInt64], number: UInt32, shape: CodeShape) throws(HammingIndexError) -> Bool {
    if let row = tail?.row(code: code, number: number, shape: shape) {
      try tail!.delete(row)
    } else {
      guard try remove(code: code, number: number, shape: shape, fromRunsFrom: 0) else { return false }
    }
    liveCount -= 1
    return true
  }

  private mutating func remove(
    code: [UInt64], number: UInt32, shape: CodeShape, fromRunsFrom first: Int
  ) throws(HammingIndexError) -> Bool {
    for index in runs.indices.dropFirst(first) {
      if let row = runs[index].row(code: code, number: number, shape: shape) {
        try runs[index].delete(row)
        return true
      }
    }
    return false
  }

  /// Makes the tail a sealed run.
  mutating func seal(_ builder: RunBuilder) throws(HammingIndexError) {
    guard let tail else { return }
    if let run = try builder.merge([tail]) { runs.append(run) }
    self.tail = nil
  }

  // MARK: Merging

  /// The runs that should become one, if any: where a run is not much larger than all behind it together, or has many
  /// deleted rows. So the rows of runs fall off geometrically, and there are few.
  func mergeable(_ tuning: Tuning) -> Range<Int>? {
    if let index = runs.firstIndex(where: { $0.tombstones.count * tuning.deletedShare >= $0.count }) {
      return index..<index + 1
    }
    guard var first = runs.indices.last else { return nil }
    var rows = runs[first].liveCount
    while first > 0, runs[first - 1].liveCount <= tuning.mergeRatio * rows {
      first -= 1
      rows += runs[first].liveCount
    }
    return runs.count - first > 1 ? first..<runs.count : nil
  }

  /// Puts a run in the place of others that were merged into it, and deletes from it what was deleted from them meanwhile.
  /// `before` are the others as they were merged.
  mutating func replace(
    _ range: Range<Int>, by merged: Run?, before: [Run], shape: CodeShape
  ) throws(HammingIndexError) {
    var merged = merged
    for (now, then) in zip(runs[range], before) where now.tombstones.count != then.tombstones.count {
      for row in 0..<now.count where now.tombstones.contains(row) && !then.tombstones.contains(row) {
        let code = now.code(of: row, shape: shape)
        if let row = merged?.row(code: code, number: now.store.numbers[row], shape: shape) { try merged!.delete(row) }
      }
    }
    runs.replaceSubrange(range, with: (merged?.liveCount ?? 0) > 0 ? [merged!] : [])
  }
}
