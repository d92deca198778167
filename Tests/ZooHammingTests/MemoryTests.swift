import Testing
import ZooSeeded

@testable import ZooHamming

@Suite("Memory")
struct MemoryTests {
  @Test("an item of a large index takes at most 24 bytes beyond its code", arguments: ExactnessTests.widths)
  func overhead(bits: Int) throws {
    var generator = SeededGenerator(seed: 2)
    let count = bits <= 128 ? 600_000 : 20_000
    let index = try HammingIndex(bits: bits, threads: 1)
    var codes = [UInt8](repeating: 0, count: count * bits / 8)
    codes.withUnsafeMutableBytes { bytes in
      for word in 0..<bytes.count / 8 {
        bytes.storeBytes(of: generator.next(), toByteOffset: 8 * word, as: UInt64.self)
      }
    }
    try codes.withUnsafeBytes { try index.insert(codes: $0, numbers: Array(0..<UInt32(count)), partition: 0) }
    let statistics = index.statistics
    #expect(statistics.items == count && statistics.codeBytes == codes.count && statistics.segments == 1)
    #expect(statistics.overheadBytesPerItem <= 24, "\(statistics)")
    #expect(statistics.overheadBytesPerItem >= 8)
  }

  @Test("inserted one by one, they take little more, and there are few runs")
  func dribs() throws {
    var generator = SeededGenerator(seed: 2)
    let index = try HammingIndex(bits: 64, threads: 1)
    let count = 50_000
    for number in 0..<UInt32(count) {
      try index.insert([HammingEntry(number: number, partition: 0, label: 0, code: generator.code(bits: 64))])
    }
    #expect(index.statistics.overheadBytesPerItem <= 24, "\(index.statistics)")
    #expect(index.statistics.segments <= 12, "\(index.statistics)")
  }

  @Test("thousands of small partitions of long codes stay within 40 bytes an item")
  func smallPartitions() throws {
    var generator = SeededGenerator(seed: 2)
    let index = try HammingIndex(bits: 4096, threads: 1)
    for _ in 0..<20 {
      try index.insert(
        (0..<1000).map { partition in
          HammingEntry(
            number: UInt32.random(in: 0...UInt32.max, using: &generator), partition: UInt32(partition), label: 0,
            code: generator.code(bits: 4096))
        })
    }
    #expect(index.statistics.partitions == 1000)
    index.compact()
    #expect(index.statistics.overheadBytesPerItem <= 40, "\(index.statistics)")
  }
}
