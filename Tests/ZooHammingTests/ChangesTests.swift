import Testing
import ZooSeeded

@testable import ZooHamming

@Suite("Changes")
struct ChangesTests {
  private func entry(_ number: UInt32, _ byte: UInt8, partition: UInt32 = 0) -> HammingEntry {
    HammingEntry(number: number, partition: partition, label: 0, code: [UInt8](repeating: byte, count: 8))
  }

  private func numbers(_ snapshot: HammingSnapshot, in partitions: [UInt32]? = nil) -> Set<UInt32> {
    let answer = snapshot.nearest(to: [UInt8](repeating: 0, count: 8), k: .max, partitions: partitions)
    #expect(Set(answer.neighbours).count == answer.neighbours.count)
    return Set(answer.neighbours.map(\.number))
  }

  @Test("instruction sets of other processors are refused, and there are some")
  func refusesForeignInstructions() throws {
    let foreign = HammingInstructionSet.allCases.filter { !$0.isAvailable }
    #expect(!foreign.isEmpty)
    for set in foreign {
      let error = #expect(throws: HammingIndexError.self) {
        try HammingIndex(bits: 64, threads: 1, instructionSet: set)
      }
      #expect(error?.code == .invalidOption)
    }
  }

  @Test("bits and threads out of range are refused")
  func options() {
    for bits in [-8, 0, 24, 36, 65, 4104] {
      #expect { try HammingIndex(bits: bits, threads: 1) } throws: {
        ($0 as? HammingIndexError)?.code == .invalidOption
      }
    }
    for threads in [0, -1, 100_000] {
      #expect { try HammingIndex(bits: 64, threads: threads) } throws: {
        ($0 as? HammingIndexError)?.code == .invalidOption
      }
    }
  }

  @Test("an empty index finds nothing")
  func empty() throws {
    let index = try HammingIndex(bits: 64, threads: 2)
    #expect(numbers(index.snapshot()).isEmpty)
    #expect(index.snapshot().nearest(to: [], k: 5).isEmpty)
    #expect(index.remove([entry(1, 1)]) == 0)
    index.compact()
    #expect(index.statistics.items == 0 && index.statistics.overheadBytesPerItem == 0)
  }

  @Test("codes of another length are refused, and are not there to remove")
  func lengths() throws {
    let index = try HammingIndex(bits: 64, threads: 1)
    let short = HammingEntry(number: 1, partition: 0, label: 0, code: [1, 2, 3])
    #expect { try index.insert([entry(2, 2), short]) } throws: { ($0 as? HammingIndexError)?.code == .invalidLength }
    #expect(index.snapshot().count == 0)
    #expect(index.remove([short]) == 0)
    #expect {
      try [UInt8](repeating: 0, count: 17).withUnsafeBytes {
        try index.insert(codes: $0, numbers: [1, 2], partition: 0)
      }
    } throws: { ($0 as? HammingIndexError)?.code == .invalidLength }
  }

  @Test(
    "an item that is there is refused, whole insertions with it; the same number with another code or partition is not")
  func duplicates() throws {
    let index = try HammingIndex(small: 64)
    try index.insert([entry(1, 1), entry(2, 2)])
    let refused: [[HammingEntry]] = [
      [entry(3, 3), entry(1, 1)], [entry(4, 4), entry(4, 4)],
      // So many that they become a run at once.
      (10..<500).map { entry(UInt32($0), 9) } + [entry(100, 9)],
      (10..<500).map { entry(UInt32($0), 9) } + [entry(2, 2)],
    ]
    for entries in refused {
      #expect { try index.insert(entries) } throws: { ($0 as? HammingIndexError)?.code == .duplicate }
      #expect(numbers(index.snapshot()) == [1, 2])
    }
    try index.insert([entry(1, 7), entry(2, 2, partition: 5)])
    #expect(index.snapshot().count == 4)
    #expect(numbers(index.snapshot(), in: [5]) == [2])
    #expect(index.remove([entry(1, 7), entry(2, 2, partition: 5)]) == 2)
    #expect(numbers(index.snapshot()) == [1, 2])
  }

  @Test("what is removed can be inserted again, from a tail and from a sealed run")
  func reinsertion() throws {
    let index = try HammingIndex(small: 64)
    try index.insert((0..<400).map { entry(UInt32($0), UInt8($0 % 50)) })
    try index.insert([entry(1000, 3)])
    for _ in 0..<100 {
      for item in [entry(7, 7), entry(1000, 3)] {
        #expect(index.remove([item, item]) == 1)
        #expect(!numbers(index.snapshot()).contains(item.number))
        try index.insert([item])
        #expect(numbers(index.snapshot()).contains(item.number))
      }
    }
    #expect(index.snapshot().count == 401)
  }

  @Test("an update that is refused changes nothing, not even what it removes")
  func atomicUpdate() throws {
    let index = try HammingIndex(small: 64)
    try index.insert([entry(1, 1), entry(2, 2)])
    #expect { try index.update(removing: [entry(1, 1)], inserting: [entry(2, 2)]) } throws: {
      ($0 as? HammingIndexError)?.code == .duplicate
    }
    #expect(numbers(index.snapshot()) == [1, 2])
    // In the tail, whose rows snapshots share, too.
    #expect(try index.update(removing: [entry(1, 1), entry(9, 9)], inserting: [entry(1, 8, partition: 3)]) == 1)
    #expect(numbers(index.snapshot(), in: [3]) == [1])
    #expect(numbers(index.snapshot(), in: [0]) == [2])
  }

  @Test("a snapshot stays as it is while the index changes and is compacted")
  func snapshots() throws {
    var generator = SeededGenerator(seed: 1)
    let entries = generator.entries(2000, bits: 64, partitions: 4)
    let index = try HammingIndex(small: 64)
    var snapshots: [(HammingSnapshot, HammingAnswer)] = []
    let query = generator.code(bits: 64)
    for start in stride(from: 0, to: 2000, by: 100) {
      try index.insert(Array(entries[start..<start + 100]))
      if start >= 300 { index.remove(Array(entries[start - 300..<start - 260])) }
      let snapshot = index.snapshot()
      snapshots.append((snapshot, snapshot.nearest(to: query, k: 5000)))
    }
    index.compact()
    index.remove(entries)
    index.compact()
    #expect(index.statistics.items == 0 && index.statistics.segments == 0)
    for (snapshot, answer) in snapshots {
      #expect(snapshot.count == answer.neighbours.count)
      #expect(snapshot.nearest(to: query, k: 5000).neighbours == answer.neighbours)
    }
  }

  @Test("after random changes the index holds what a rebuild holds", arguments: [32, 64, 200, 1024])
  func rebuild(bits: Int) throws {
    var generator = SeededGenerator(seed: UInt64(bits))
    let index = try HammingIndex(small: bits)
    var held: [HammingEntry] = []
    var next: UInt32 = 0
    for _ in 0..<120 {
      let count = Int.random(in: 0..<10, using: &generator) == 0 ? 400 : Int.random(in: 1..<20, using: &generator)
      let new = generator.entries(count, bits: bits, partitions: 5, from: next)
      next += UInt32(count)
      held.shuffle(using: &generator)
      let old = Array(held.suffix(Int.random(in: 0...held.count / 4, using: &generator)))
      held.removeLast(old.count)
      #expect(try index.update(removing: old, inserting: new) == old.count)
      held += new
      if Int.random(in: 0..<30, using: &generator) == 0 { index.compact() }
    }
    let rebuilt = try HammingIndex(bits: bits, threads: 1)
    try rebuilt.insert(held)
    for _ in 0..<5 {
      let query = generator.code(near: held.randomElement(using: &generator)!.code, flips: 9)
      for partitions in [nil, [2]] as [[UInt32]?] {
        let answer = index.snapshot().nearest(to: query, k: .max, partitions: partitions)
        #expect(answer.neighbours == rebuilt.snapshot().nearest(to: query, k: .max, partitions: partitions).neighbours)
        #expect(answer.neighbours == BruteForce(held, query: query).nearest(k: .max, partitions: partitions))
      }
    }
    index.compact()
    #expect(index.statistics.items == held.count && index.statistics.tombstones == 0)
    #expect(index.statistics.segments == Set(held.map(\.partition)).count)
  }
}
