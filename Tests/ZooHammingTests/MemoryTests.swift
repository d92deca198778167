import CZooHamming
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

  @Test("blocks of all sizes, taken and given back in any order, are apart, aligned and as long as they should be")
  func blocks() throws {
    struct Block {
      let address: UnsafeMutableRawPointer
      let bytes: Int
      let mark: UInt8
      /// The ends and some places between.
      var places: [Int] { [0, bytes / 3, bytes / 2, bytes - 1] }
    }
    var generator = SeededGenerator(seed: 2)
    var blocks: [Block] = []
    func giveBack(_ index: Int) {
      let block = blocks.remove(at: index)
      for place in block.places {
        #expect(block.address.load(fromByteOffset: place, as: UInt8.self) == block.mark)
      }
      zoo_hamming_free(block.address, block.bytes)
    }
    for turn in 0..<3000 {
      if blocks.count > 300 || (turn > 1500 && !blocks.isEmpty) {
        giveBack(Int.random(in: 0..<blocks.count, using: &generator))
        if turn % 3 > 0 { continue }
      }
      // Around every limit, and now and then one of more than a region.
      let size = [0, 1, 4095, 4096, 5000, 65_536, 300_000, 1 << 20, (8 << 20) - 1, 8 << 20, 40 << 20]
      let kind = turn % 97 == 0 ? 10 : turn % 13 == 0 ? 8 + turn % 2 : Int.random(in: 0..<8, using: &generator)
      let bytes = size[kind] + (kind < 8 ? Int.random(in: 0..<256, using: &generator) : 0)
      var resident = 0
      let address = try #require(zoo_hamming_allocate(bytes, &resident))
      #expect(resident >= bytes && resident <= bytes + max(4096, 32))
      if bytes >= 4096 { #expect(Int(bitPattern: address) % 64 == 0) }
      guard bytes > 0 else {
        zoo_hamming_free(address, bytes)
        continue
      }
      let block = Block(address: address, bytes: bytes, mark: UInt8(turn & 0xff))
      for place in block.places { address.storeBytes(of: block.mark, toByteOffset: place, as: UInt8.self) }
      blocks.append(block)
    }
    let ranges = blocks.map { Int(bitPattern: $0.address)..<Int(bitPattern: $0.address) + $0.bytes }
      .sorted { $0.lowerBound < $1.lowerBound }
    for (range, next) in zip(ranges, ranges.dropFirst()) { #expect(range.upperBound <= next.lowerBound) }
    while !blocks.isEmpty { giveBack(blocks.count - 1) }
  }
}
