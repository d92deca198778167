import Dispatch
import Synchronization

extension HammingIndex {
  /// Merges every partition into one sealed run without deleted rows or room to spare. Searches and changes go on meanwhile.
  /// Takes as much memory again as the largest partition, and where there is not that much, leaves partitions as they are.
  public func compact() {
    merging.withLock { _ in
      for place in 0..<latest.withLock({ $0.partitionCount }) {
        do {
          let range = try change { state throws(HammingIndexError) -> Range<Int>? in
            try state[place].seal(builder)
            let runs = state[place].runs
            return runs.count > 1 || runs.contains { $0.tombstones.count > 0 } ? runs.indices : nil
          }
          if let range { try merge(range, of: place) }
        } catch {
          // No memory: what is there stays, and is right.
          continue
        }
      }
    }
  }

  /// Merges what should be, after changes to these partitions.
  func tidy(_ places: Set<Int>) {
    let state = latest.withLock { $0 }
    let mergeable = places.filter { state[$0].mergeable(builder.tuning) != nil }
    guard !mergeable.isEmpty else { return }
    let rows = mergeable.reduce(0) {
      $0 + state[$1].runs[state[$1].mergeable(builder.tuning)!].reduce(0) { $0 + $1.liveCount }
    }
    if rows < builder.tuning.backgroundRows {
      // Whoever merges already looks again when it is done.
      _ = merging.withLockIfAvailable { _ in merge(mergeable) }
    } else {
      background.async { [weak self] in self?.merging.withLock { _ in self?.merge(mergeable) } }
    }
  }

  private func merge(_ places: Set<Int>) {
    for place in places {
      while let range = latest.withLock({ $0[place].mergeable(builder.tuning) }) {
        // Without memory runs stay as they are, and are right.
        guard (try? merge(range, of: place)) != nil else { break }
      }
    }
  }

  /// Merges runs of a partition. Only whoever holds `merging` may, so that runs keep their places; the runs themselves are read
  /// without any lock, as snapshots are.
  private func merge(_ range: Range<Int>, of place: Int) throws(HammingIndexError) {
    let before = Array(latest.withLock { $0[place].runs[range] })
    let merged = try builder.merge(before)
    try change { state throws(HammingIndexError) in
      try state[place].replace(range, by: merged, before: before, shape: engine.shape)
    }
  }
}
