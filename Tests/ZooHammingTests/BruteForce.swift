@testable import ZooHamming

/// Exact search by loops that are obviously right.
struct BruteForce {
  /// All entries, the nearest to the query first, with what filters ask.
  private let ranked: [(neighbour: Neighbour, partition: UInt32, label: UInt32)]

  init(_ entries: some Sequence<HammingEntry>, query: [UInt8]) {
    ranked = entries.map { entry in
      var distance = 0
      for (a, b) in zip(entry.code, query) { distance += (a ^ b).nonzeroBitCount }
      return (Neighbour(distance: distance, number: entry.number), entry.partition, entry.label)
    }.sorted { $0.neighbour < $1.neighbour }
  }

  func nearest(k: Int, partitions: [UInt32]? = nil, accepting labels: LabelSet? = nil) -> [Neighbour] {
    var found: [Neighbour] = []
    for (neighbour, partition, label) in ranked {
      if found.count == k { break }
      guard partitions?.contains(partition) ?? true, labels?.contains(label) ?? true else { continue }
      found.append(neighbour)
    }
    return found
  }
}
