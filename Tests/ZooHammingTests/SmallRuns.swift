@testable import ZooHamming

extension Tuning {
  /// Sizes with which a few thousand items make all kinds of runs.
  static var small: Tuning {
    var tuning = Tuning()
    tuning.tailRows = 8...64
    tuning.indexedRows = 300
    tuning.backgroundRows = 1500
    return tuning
  }
}

extension HammingIndex {
  convenience init(small bits: Int, threads: Int = 1) throws {
    try self.init(bits: bits, threads: threads, instructionSet: .best, tuning: .small)
  }
}

extension HammingSnapshot {
  /// The same items, searched in another way.
  func searched(by set: HammingInstructionSet, threads: Int) throws -> HammingSnapshot {
    HammingSnapshot(
      state: state, engine: try SearchEngine(shape: engine.shape, threads: threads, instructionSet: set))
  }
}
