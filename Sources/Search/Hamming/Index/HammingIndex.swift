import CZooHamming
import Dispatch
import Synchronization

/// An index of binary codes in memory, for exact search by Hamming distance.
///
/// Items are put in partitions, a category each. A partition is a tail to which rows are appended, and sealed runs in the order
/// of their codes; runs are merged as they become many, large ones in the background. Searches look at snapshots, which
/// see every change that was made before they were taken, and none after; writers never wait for them, nor they for writers.
///
/// An item is known by its partition, number and code together. The index has no map from numbers to rows, which would take
/// as much memory as short codes do; so numbers are not compared across codes and partitions, and whoever inserts one number
/// twice with different codes finds both.
public final class HammingIndex: Sendable {
  let engine: SearchEngine
  let builder: RunBuilder
  /// What the next change starts from; one writer at a time.
  let latest: Mutex<IndexState>
  /// What the next snapshot sees. Held only to copy references.
  private let published: Mutex<IndexState>
  /// Whoever merges runs.
  let merging = Mutex(())
  let background = DispatchQueue(label: "zoo.hamming.merge", qos: .utility)

  /// - Parameters:
  ///   - bits: of a code, a multiple of 8, 32 to 4096.
  ///   - threads: on which a search runs, the caller's among them.
  ///   - instructionSet: what the kernels use; no wider than what the processor has.
  /// - Throws: ``HammingIndexError`` with the code `invalidOption`.
  public convenience init(
    bits: Int, threads: Int, instructionSet: HammingInstructionSet = .best
  ) throws(HammingIndexError) {
    try self.init(bits: bits, threads: threads, instructionSet: instructionSet, tuning: Tuning())
  }

  init(
    bits: Int, threads: Int, instructionSet: HammingInstructionSet, tuning: Tuning
  ) throws(HammingIndexError) {
    let shape = try CodeShape(bits: bits)
    engine = try SearchEngine(shape: shape, threads: threads, instructionSet: instructionSet)
    builder = RunBuilder(shape: shape, tuning: tuning)
    latest = Mutex(IndexState())
    published = Mutex(IndexState())
  }

  /// The bits of a code.
  public var bits: Int { engine.shape.bits }
  /// The threads on which a search runs.
  public var threads: Int { engine.threads }
  /// What the kernels use.
  public var instructionSet: HammingInstructionSet { engine.instructionSet }

  /// What is there now: cheap, and unchanged while writers go on. It keeps alive what it sees, so it is not to be kept long.
  public func snapshot() -> HammingSnapshot {
    HammingSnapshot(state: published.withLock { $0 }, engine: engine)
  }

  /// Makes a change: what `body` leaves is what snapshots see from then on, or, where it throws, what they saw.
  func change<Result: Sendable>(
    _ body: (inout IndexState) throws(HammingIndexError) -> Result
  ) throws(HammingIndexError) -> Result {
    try latest.withLock { latest throws(HammingIndexError) in
      var next = latest
      let result = try body(&next)
      latest = next
      // The last state is let go outside of the lock: it may be the last to refer to large runs.
      let last = published.withLock { published in
        let last = published
        published = next
        return last
      }
      withExtendedLifetime(last) {}
      return result
    }
  }

  /// How much it holds.
  public var statistics: HammingStatistics {
    let partitions = published.withLock { $0 }.partitions(nil)
    let runs = partitions.flatMap { $0.runs + ($0.tail.map { [$0] } ?? []) }
    let items = partitions.reduce(0) { $0 + $1.liveCount }
    let codeBytes = items * engine.shape.codeBytes
    return HammingStatistics(
      items: items, partitions: partitions.count { $0.liveCount > 0 }, segments: runs.count,
      tombstones: runs.reduce(0) { $0 + $1.tombstones.count }, codeBytes: codeBytes,
      overheadBytes: partitions.reduce(0) { $0 + $1.residentBytes } - codeBytes)
  }
}
