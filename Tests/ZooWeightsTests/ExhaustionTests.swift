import Testing
import ZooTensor
import ZooWeights

/// Small files that describe something huge: each is stopped by a limit, and says by which.
@Suite struct ExhaustionTests {
  private func expectLimit(
    _ name: String, _ object: PickleBuilder, _ limits: WeightsLimits = WeightsLimits(),
    storage: [UInt8] = [0, 0, 0, 0], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectError(.limitExceeded, saying: name, sourceLocation: sourceLocation) {
      try Weights(checkpoint: zipCheckpoint(object, storages: ["0": storage]), limits: limits)
    }
  }

  @Test func aStrideOfZeroDoesNotMakeAHugeTensor() {
    let object = PickleBuilder { p in
      p.dictionary("w") { $0.tensor(storageCount: 1, shape: [1 << 30, 1 << 20], strides: [0, 0]) }
    }
    expectLimit("`copyFactor`", object)
  }

  @Test func manyCopiesOfOneStorageShareABudget() {
    let object = PickleBuilder { p in
      p.raw("}")
      for index in 0..<20 {
        p.string("\(index)")
        p.tensor(storageCount: 1 << 16, shape: [1 << 8, 1 << 8], strides: [1, 1 << 8])
        p.raw("s")
      }
    }
    expectLimit("'8'", object, storage: [UInt8](repeating: 0, count: 1 << 18))
  }

  @Test func aTensorWithMoreBytesThanCanBeCountedIsRefused() {
    let object = PickleBuilder { p in
      p.dictionary("w") { $0.tensor(storageCount: 1, shape: [.max], strides: [0]) }
    }
    expectError(.malformed, saying: "more bytes than can be counted") {
      try Weights(checkpoint: zipCheckpoint(object, storages: ["0": [0, 0, 0, 0]]))
    }
  }

  @Test func marksCannotNestWithoutEnd() {
    expectLimit("`nestingDepth`", PickleBuilder { $0.raw(String(repeating: "(", count: 65)) })
  }

  @Test func tuplesInTuplesCostNoStack() {
    // Two million deep: neither building nor dropping it may recurse.
    let object = PickleBuilder { p in
      p.raw("})")
      for _ in 0..<2_000_000 { p.raw(0x85) }
      p.raw("Ns")
    }
    expectError(.unsupported, saying: "without tensors") { try Weights(checkpoint: zipCheckpoint(object)) }
  }

  @Test func listsInListsAreLookedAtOnlySoDeep() {
    let object = PickleBuilder { p in
      p.dictionary("deep") { p in
        for _ in 0..<1000 { p.raw("]") }
        for _ in 1..<1000 { p.raw("a") }
      }
    }
    expectLimit("64 deep", object)
  }

  @Test func aDictionaryInItselfEnds() {
    let object = PickleBuilder { p in
      p.raw("}")
      p.raw(0x71, 0)
      p.string("self")
      p.raw(0x68, 0)
      p.raw("s")
    }
    expectLimit("64 deep", object)
  }

  @Test func doublingDictionariesEnd() {
    // Level n holds level n − 1 twice: 2^50 paths, and no tensor on any.
    let object = PickleBuilder { p in
      p.raw("}")
      p.raw(0x71, 0)
      for level in 1..<50 as Range<UInt8> {
        p.raw("}")
        p.raw(0x71, level)
        for key in ["a", "b"] {
          p.string(key)
          p.raw(0x68, level - 1)
          p.raw("s")
        }
      }
      p.raw("}")
      p.raw(0x71, 50)
      p.string("root")
      p.raw(0x68, 49)
      p.raw("s")
      // The stack is cleared; the memo keeps them all.
      p.raw(String(repeating: "0", count: 51))
      p.raw(0x68, 50)
    }
    var limits = WeightsLimits()
    limits.instructionCount = 100_000
    expectLimit("`instructionCount`", object, limits)
  }

  @Test func copyingOneListOfPairsAgainAndAgainEnds() {
    var limits = WeightsLimits()
    limits.instructionCount = 50_000
    let repeated = PickleBuilder { p in
      p.raw("](")
      for _ in 0..<1000 {
        p.raw("NN")
        p.raw(0x86)
      }
      p.raw("e")
      p.raw(0x71, 0)
      p.global("collections", "OrderedDict")
      p.raw(0x71, 1)
      for _ in 0..<100 {
        p.raw(0x68, 1)
        p.raw(0x68, 0)
        p.raw(0x85)
        p.raw("R0")
      }
    }
    expectLimit("`instructionCount`", repeated, limits)
  }

  @Test func everyCountHasALimit() {
    var limits = WeightsLimits()
    limits.instructionCount = 1000
    limits.memoCount = 100
    limits.stackDepth = 200
    limits.stringByteCount = 50
    limits.tensorCount = 2
    limits.nameByteCount = 10
    limits.pickleByteCount = 5000
    expectLimit("`instructionCount`", PickleBuilder { $0.raw(String(repeating: "N0", count: 600)) }, limits)
    expectLimit("`stackDepth`", PickleBuilder { $0.raw(String(repeating: "N", count: 201)) }, limits)
    expectLimit("`pickleByteCount`", PickleBuilder { $0.raw(String(repeating: "N", count: 5001)) }, limits)
    expectLimit("`stringByteCount`", PickleBuilder { $0.string(String(repeating: "x", count: 51)) }, limits)
    expectLimit("`stringByteCount`", PickleBuilder { $0.raw(0x8D, 255, 255, 255, 255, 255, 255, 255, 255) }, limits)
    expectLimit(
      "`memoCount`",
      PickleBuilder { p in
        p.raw("N")
        for index in 0..<101 as Range<UInt8> { p.raw(0x71, index) }
      }, limits)
    expectLimit(
      "`tensorCount`",
      PickleBuilder { p in
        p.raw("}")
        for _ in 0..<3 {
          p.integer(1)
          p.tensor(storageCount: 1, shape: [1], strides: [1])
          p.raw("s")
        }
      }, limits)
    expectLimit(
      "more than 10 bytes",
      PickleBuilder { p in
        p.dictionary("elevenbytes") { $0.tensor(storageCount: 1, shape: [1], strides: [1]) }
      }, limits)
  }

  @Test func manyNamesForOneDictionaryEnd() {
    // Three networks that are one and the same: the tensors are counted by their names.
    let object = PickleBuilder { p in
      p.dictionary("w") { $0.tensor(storageCount: 1, shape: [1], strides: [1]) }
      p.raw(0x71, 0)
      p.raw("0}")
      for key in ["a", "b", "c"] {
        p.string(key)
        p.raw(0x68, 0)
        p.raw("s")
      }
    }
    var limits = WeightsLimits()
    limits.tensorCount = 2
    expectLimit("`tensorCount`", object, limits)
  }

  @Test func aMemoIndexOfFourBillionCostsNothing() {
    let object = PickleBuilder { p in
      p.raw("}")
      p.raw(0x72, 255, 255, 255, 255)
    }
    expectError(.unsupported, saying: "without tensors") { try Weights(checkpoint: zipCheckpoint(object)) }
  }
}
