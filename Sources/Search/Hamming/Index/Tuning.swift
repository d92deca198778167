/// Sizes at which the index works differently. Answers do not depend on them.
struct Tuning: Sendable {
  /// A tail is sealed when it has a share of its partition's rows, but no fewer than this and no more than that.
  var tailRows = 8...4096
  /// The share: what a tail has room for and does not use is memory lost.
  var tailShare = 64
  /// Tails of up to so many bytes are too small to matter.
  var tailBytes = 1024
  /// Sealed runs of short codes get tables from this many rows on; below, a scan is done sooner.
  var indexedRows = 65536
  /// A run is merged with those behind it when it has at most so many times their rows.
  var mergeRatio = 2
  /// Runs are merged in the background from this many rows on.
  var backgroundRows = 32768
  /// A run is rewritten when a part of its rows of at least 1 / this is deleted.
  var deletedShare = 4

  /// The rows with which a tail is sealed, in a partition of so many.
  func tailRows(of rows: Int, rowBytes: Int) -> Int {
    let least = max(tailRows.lowerBound, min(tailBytes / rowBytes, tailRows.upperBound))
    return min(max(rows / tailShare, least), tailRows.upperBound)
  }
}
