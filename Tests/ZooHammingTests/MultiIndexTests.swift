import Testing
import ZooSeeded

@testable import ZooHamming

@Suite("Multi-index hashing")
struct MultiIndexTests {
  @Test("masks of a distance are all differences with so many bits")
  func masks() {
    for keyBits in MultiIndexTables.keyBits {
      for distance in 0...keyBits {
        let masks = RingMasks.masks(keyBits: keyBits, distance: distance)
        #expect(Array(masks) == (0..<1 << keyBits).map { UInt16($0) }.filter { $0.nonzeroBitCount == distance })
      }
    }
  }

  @Test("parts of a code do not overlap, and each holds a key", arguments: ExactnessTests.widths)
  func parts(bits: Int) throws {
    let shape = try CodeShape(bits: bits)
    let parts = MultiIndexTables.parts(of: shape)
    #expect(parts.isEmpty == (bits > 128))
    for (part, next) in zip(parts, parts.dropFirst() + [shape.codeBytes]) { #expect(next - part >= 2) }
  }

  @Test("clustered codes are found by tables, in far fewer comparisons than there are codes", arguments: [64, 128])
  func tablesAreChosen(bits: Int) throws {
    var generator = SeededGenerator(seed: 3)
    let centres = (0..<20_000).map { _ in generator.code(bits: bits) }
    let entries = (0..<300_000).map { number in
      HammingEntry(
        number: UInt32(number), partition: 0, label: 0,
        code: generator.code(near: centres[number % centres.count], flips: 3))
    }
    let index = try HammingIndex(bits: bits, threads: 1)
    try index.insert(entries)
    for query in (0..<5).map({ generator.code(near: centres[$0], flips: 2) }) {
      let answer = index.snapshot().nearest(to: query, k: 10)
      #expect(answer.plan.indexedSegments == 1 && answer.plan.abandonedSegments == 0, "\(answer.plan)")
      #expect(answer.plan.candidates < entries.count / 20, "\(answer.plan)")
      #expect(answer.neighbours == index.snapshot().nearest(to: query, k: 10, by: .scan).neighbours)
    }
  }

  @Test("codes that are like no others are scanned")
  func scanIsChosen() throws {
    var generator = SeededGenerator(seed: 4)
    let entries = (0..<100_000).map { number in
      HammingEntry(number: UInt32(number), partition: 0, label: 0, code: generator.code(bits: 64))
    }
    let index = try HammingIndex(bits: 64, threads: 1)
    try index.insert(entries)
    let query = generator.code(bits: 64)
    let answer = index.snapshot().nearest(to: query, k: 10)
    #expect(answer.plan.abandonedSegments == 1 && answer.plan.scannedCodes == entries.count, "\(answer.plan)")
    #expect(answer.neighbours == BruteForce(entries, query: query).nearest(k: 10))
  }
}
