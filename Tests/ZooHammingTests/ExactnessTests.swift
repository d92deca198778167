import Testing
import ZooSeeded

@testable import ZooHamming

@Suite("Searches are exact")
struct ExactnessTests {
  static let widths = [32, 40, 64, 72, 96, 128, 192, 256, 512, 1000, 1024, 2048, 4096]

  @Test(
    "every width, instruction set, method, number of threads, k and filter gives what brute force gives",
    arguments: widths)
  func matrix(bits: Int) throws {
    var generator = SeededGenerator(seed: UInt64(bits))
    // Enough for several tasks where codes are long, and for two passes.
    let entries = generator.entries(bits < 1000 ? 3000 : 4600, bits: bits, partitions: 3)
    let index = try HammingIndex(small: bits)
    // A bulk, then dribs and drabs, so that there are runs of many sizes and a tail.
    try index.insert(Array(entries.prefix(entries.count * 9 / 10)))
    for start in stride(from: entries.count * 9 / 10, to: entries.count, by: 23) {
      try index.insert(Array(entries[start..<min(start + 23, entries.count)]))
    }
    let removed = Set((0..<entries.count / 5).map { _ in Int.random(in: 0..<entries.count, using: &generator) })
    #expect(index.remove(removed.map { entries[$0] }) == removed.count)
    let left = entries.indices.filter { !removed.contains($0) }.map { entries[$0] }
    let snapshot = index.snapshot()
    #expect(snapshot.count == left.count)

    let queries = [left[0].code, generator.code(near: left[7].code, flips: bits / 16), generator.code(bits: bits)]
    let filters: [(k: Int, partitions: [UInt32]?, labels: LabelSet?)] = [
      (10, nil, nil), (1, [1], nil), (10, nil, LabelSet([2])), (25, [2, 0, 2, 77], LabelSet([0, 3, 900])),
      (700, nil, nil), (entries.count + 5, [1], LabelSet(0..<7)), (0, nil, nil), (3, [], nil), (3, nil, LabelSet()),
    ]
    let expected = queries.map { query in
      let truth = BruteForce(left, query: query)
      return filters.map { truth.nearest(k: $0.k, partitions: $0.partitions, accepting: $0.labels) }
    }
    for set in HammingInstructionSet.available {
      for threads in [1, 3] {
        let snapshot = try snapshot.searched(by: set, threads: threads)
        for method in HammingMethod.allCases {
          for (number, filter) in filters.enumerated() {
            for (query, expected) in zip(queries, expected) {
              let answer = snapshot.nearest(
                to: query, k: filter.k, partitions: filter.partitions, accepting: filter.labels, by: method)
              #expect(
                answer.neighbours == expected[number],
                "\(set), \(threads) threads, \(method), filter \(number): \(answer.plan)")
            }
            let answers = snapshot.nearest(
              to: queries, k: filter.k, partitions: filter.partitions, accepting: filter.labels, by: method)
            #expect(
              answers.map(\.neighbours) == expected.map { $0[number] }, "\(set), \(method), filter \(number), together")
          }
        }
      }
    }
  }

  @Test("many queries at once get what each gets alone", arguments: [32, 64, 128, 256, 1024])
  func batches(bits: Int) throws {
    var generator = SeededGenerator(seed: 5)
    let entries = generator.entries(20_000, bits: bits)
    let index = try HammingIndex(bits: bits, threads: 2)
    try index.insert(entries)
    index.remove(Array(entries.prefix(1000)))
    // Numbers around those at which kernels change.
    for count in [2, 19, 20, 33, 1030] where bits == 64 || count < 100 {
      let queries = (0..<count).map { query in
        query % 2 == 0 ? generator.code(bits: bits) : generator.code(near: entries[query].code, flips: 4)
      }
      for set in HammingInstructionSet.available {
        let snapshot = try index.snapshot().searched(by: set, threads: 2)
        for k in [1, 10] {
          let together = snapshot.nearest(to: queries, k: k, by: .scan)
          let alone = queries.map { snapshot.nearest(to: $0, k: k, by: .scan) }
          #expect(together.map(\.neighbours) == alone.map(\.neighbours), "\(count) queries, \(set), k = \(k)")
        }
      }
    }
  }

  @Test("runs of many tasks give the same on any number of threads", arguments: [64, 256])
  func manyTasks(bits: Int) throws {
    var generator = SeededGenerator(seed: 6)
    // Not to be cut into equal parts.
    let count = 200_003
    let codes = (0..<count * bits / 64).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
    let index = try HammingIndex(bits: bits, threads: 1)
    try codes.withUnsafeBytes { try index.insert(codes: $0, numbers: Array(0..<UInt32(count)), partition: 9) }
    let queries = (0..<24).map { _ in generator.code(bits: bits) }
    let one = index.snapshot().nearest(to: queries, k: 100, by: .scan)
    for (query, answer) in zip(queries.prefix(2), one) {
      let entries = (0..<count).lazy.map { item in
        HammingEntry(
          number: UInt32(item), partition: 9, label: 0, code: Array(codes[item * bits / 8..<(item + 1) * bits / 8]))
      }
      #expect(BruteForce(entries, query: query).nearest(k: 100) == answer.neighbours)
    }
    for threads in [2, 5] {
      let snapshot = try index.snapshot().searched(by: .best, threads: threads)
      for method in HammingMethod.allCases {
        #expect(snapshot.nearest(to: queries, k: 100, by: method).map(\.neighbours) == one.map(\.neighbours))
      }
    }
    for set in HammingInstructionSet.available {
      for threads in [1, 2, 5] {
        let snapshot = try index.snapshot().searched(by: set, threads: threads)
        for (query, answer) in zip(queries.prefix(4), one) {
          for method in HammingMethod.allCases {
            #expect(
              snapshot.nearest(to: query, k: 100, by: method).neighbours == answer.neighbours,
              "\(set), \(threads) threads, \(method)")
          }
        }
      }
    }
  }

  @Test("items with the same code come in the order of their numbers, however many there are")
  func ties() throws {
    let index = try HammingIndex(small: 64, threads: 2)
    let numbers = (0..<5000).map { UInt32($0) }
    var generator = SeededGenerator(seed: 8)
    for number in numbers.shuffled(using: &generator) {
      try index.insert([HammingEntry(number: number, partition: 0, label: 0, code: [UInt8](repeating: 7, count: 8))])
    }
    for method in HammingMethod.allCases {
      let answer = index.snapshot().nearest(to: [UInt8](repeating: 5, count: 8), k: 100, by: method)
      #expect(answer.neighbours == (0..<100).map { Neighbour(distance: 8, number: $0) }, "\(method)")
    }
  }

  @Test("numbers up to the greatest, and codes at the greatest distance")
  func extremes() throws {
    let index = try HammingIndex(bits: 4096, threads: 1)
    let zeros = [UInt8](repeating: 0, count: 512), ones = [UInt8](repeating: 255, count: 512)
    try index.insert([
      HammingEntry(number: .max, partition: .max, label: .max, code: ones),
      HammingEntry(number: 0, partition: 0, label: 0, code: zeros),
    ])
    for set in HammingInstructionSet.available {
      let answer = try index.snapshot().searched(by: set, threads: 1).nearest(to: zeros, k: 2)
      #expect(
        answer.neighbours == [Neighbour(distance: 0, number: 0), Neighbour(distance: 4096, number: .max)])
    }
  }
}
