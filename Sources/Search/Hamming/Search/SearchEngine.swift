import CZooHamming
import Synchronization

/// What searches run on: the layout of codes, the threads, the instruction set.
///
/// Sharing it is safe because the pool takes one loop at a time and lets other callers run theirs alone.
final class SearchEngine: @unchecked Sendable {
  static let threadRange = 1...Int(zoo_hamming_most_threads)

  let shape: CodeShape
  let instructionSet: HammingInstructionSet
  let pool: OpaquePointer
  private let turns = Atomic<UInt>(0)

  var threads: Int { zoo_hamming_pool_size(pool) }

  init(shape: CodeShape, threads: Int, instructionSet: HammingInstructionSet) throws(HammingIndexError) {
    guard SearchEngine.threadRange.contains(threads) else {
      throw HammingIndexError(
        .invalidOption, "\(threads) threads: an index has 1 to \(SearchEngine.threadRange.upperBound)")
    }
    guard instructionSet.isAvailable else {
      throw HammingIndexError(
        .invalidOption,
        "the instruction set \(instructionSet.rawValue): this processor has up to "
          + HammingInstructionSet.best.rawValue)
    }
    guard let pool = zoo_hamming_pool_create(threads) else { throw .outOfMemory }
    self.shape = shape
    self.instructionSet = instructionSet
    self.pool = pool
  }

  deinit { zoo_hamming_pool_destroy(pool) }

  /// Which way the next scan goes: each the other way than the one before.
  func turn() -> Bool { turns.wrappingAdd(1, ordering: .relaxed).oldValue % 2 == 1 }

  /// Calls `body` with every index below `count`, on all threads.
  func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      var context = body
      withUnsafeMutablePointer(to: &context) { context in
        zoo_hamming_pool_run(
          pool, count,
          { context, _, index in context!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee(index) },
          context)
      }
    }
  }
}
