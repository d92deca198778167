import Testing
import ZooBackend
import ZooHamming
import ZooOpParity
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  /// Codes on a card, against the index on the CPU: the same neighbours in the same order.
  struct HammingTests {
    private struct Codes {
      let bits: Int
      var bytes: [UInt8] = []
      var numbers: [UInt32] = []
      var codeBytes: Int { bits / 8 }

      mutating func add(_ code: [UInt8], _ number: UInt32) {
        bytes += code
        numbers.append(number)
      }

      func onCard(numbered: Bool = true) throws -> HammingCodes {
        try bytes.withUnsafeBytes {
          try HammingCodes(
            bits: bits, codes: $0, numbers: numbered ? numbers : nil, on: SoftwareDevice.backend())
        }
      }

      func expected(_ queries: [[UInt8]], k: Int) throws -> [[HammingCodes.Neighbour]] {
        let index = try HammingIndex(bits: bits, threads: 1)
        try bytes.withUnsafeBytes { try index.insert(codes: $0, numbers: numbers, partition: 0) }
        return index.snapshot().nearest(to: queries, k: k, by: .scan).map { answer in
          answer.neighbours.map { HammingCodes.Neighbour(distance: $0.distance, number: $0.number) }
        }
      }
    }

    private func code(_ bits: Int, _ numbers: inout SeededNumbers) -> [UInt8] {
      (0..<bits / 8).map { _ in .random(in: 0...255, using: &numbers) }
    }

    /// Some near each other, some equal, numbers in no order.
    private func codes(_ count: Int, bits: Int) -> (Codes, queries: [[UInt8]]) {
      var numbers = SeededNumbers(seed: "codes \(count) \(bits)")
      var codes = Codes(bits: bits)
      let centres = (0..<8).map { _ in code(bits, &numbers) }
      for row in 0..<count {
        var code = centres[.random(in: 0...7, using: &numbers)]
        for _ in 0..<Int.random(in: 0...bits / 8, using: &numbers) {
          code[.random(in: 0...bits / 8 - 1, using: &numbers)] ^= 1 << UInt8.random(in: 0...7, using: &numbers)
        }
        // Odd, so that all differ.
        codes.add(code, UInt32(truncatingIfNeeded: row &* 2_654_435_761))
      }
      return (codes, (0..<65).map { $0 < 5 ? centres[$0] : code(bits, &numbers) })
    }

    @Test(
      "codes of every length, few and many, in and out of whole words and rounds",
      arguments: [(32, 5000), (40, 700), (64, 9000), (72, 1), (256, 4097), (1000, 300), (4096, 200)])
    func lengths(_ bits: Int, _ count: Int) throws {
      let (codes, queries) = codes(count, bits: bits)
      let card = try codes.onCard()
      for number in [1, 9] {
        let asked = Array(queries.prefix(number))
        #expect(try card.nearest(to: asked, k: 10) == codes.expected(asked, k: 10))
      }
    }

    @Test(
      "any number of queries and of neighbours",
      arguments: [(1, 1), (1, 1024), (2, 256), (3, 257), (8, 10), (64, 10), (65, 3)])
    func counts(_ asked: Int, _ k: Int) throws {
      let (codes, queries) = codes(3000, bits: 64)
      let asked = Array(queries.prefix(asked))
      #expect(try codes.onCard().nearest(to: asked, k: k) == codes.expected(asked, k: k))
    }

    @Test("of codes that are as near, the smaller numbers win; without numbers, rows count")
    func ties() throws {
      var codes = Codes(bits: 64)
      for row in 0..<6000 { codes.add(Array(repeating: 0, count: 8), UInt32(6000 - row)) }
      let query = [UInt8](repeating: 255, count: 8)
      for asked in [1, 2] {
        let queries = Array(repeating: query, count: asked)
        #expect(try codes.onCard().nearest(to: queries, k: 12)[asked - 1].map(\.number) == Array(1...12))
        #expect(try codes.onCard(numbered: false).nearest(to: queries, k: 12)[0].map(\.number) == Array(0..<12))
      }
    }

    @Test("every code nearer than all before it: lists are shortened again and again")
    func descending() throws {
      var codes = Codes(bits: 4096)
      for row in 0..<4097 {
        codes.add((0..<512).map { row >= 8 * ($0 + 1) ? 0 : 255 << UInt8(max(0, row - 8 * $0)) }, UInt32(row))
      }
      let queries = Array(repeating: [UInt8](repeating: 0, count: 512), count: 2)
      let nearest = try codes.onCard().nearest(to: queries, k: 200)
      #expect(nearest[1].map(\.distance) == Array(0..<200))
      #expect(nearest[1].map(\.number) == (0..<200).map { UInt32(4096 - $0) })
      #expect(try codes.onCard().nearest(to: [queries[0]], k: 200)[0] == nearest[0])
    }

    @Test("no codes, no neighbours, no queries")
    func nothing() throws {
      let query = [UInt8](repeating: 1, count: 8)
      #expect(try Codes(bits: 64).onCard().nearest(to: [query], k: 5) == [[]])
      let (codes, _) = codes(3, bits: 64)
      #expect(try codes.onCard().nearest(to: [query], k: 0) == [[]])
      #expect(try codes.onCard().nearest(to: [], k: 5) == [])
      #expect(try codes.onCard().nearest(to: [query], k: 5)[0].count == 3)
    }

    @Test("what does not fit is refused by its name")
    func refusals() throws {
      let (codes, _) = codes(3, bits: 64)
      func message(_ body: () throws -> Void) throws -> String {
        let error = try #require(#expect(throws: BackendError.self, performing: body))
        #expect(error.code == .invalidInput)
        return error.message
      }
      let card = try codes.onCard()
      #expect(try message { _ = try Codes(bits: 36).onCard() }.contains("36 bits"))
      #expect(try message { _ = try Codes(bits: 64, bytes: [1, 2], numbers: [1]).onCard() }.contains("2 bytes"))
      #expect(try message { _ = try card.nearest(to: [[1, 2]], k: 1) }.contains("2 bytes"))
      #expect(try message { _ = try card.nearest(to: [], k: 1025) }.contains("k is 1025"))
    }

    @Test("codes take idle memory of networks, and give all back; searches at once are right")
    func memory() async throws {
      let device = try SoftwareDevice.shared.get()
      let (codes, queries) = codes(4096, bits: 1024)
      let expected = try codes.expected(Array(queries.prefix(8)), k: 5)
      let backend = try SoftwareDevice.backend(memory: 3 << 19)
      let before = device.memoryUsed()
      let executable = try #require(backend.compile(smallNetwork(), .float32) as? CUDAExecutable)
      _ = try executable.run(inputs([1, 120, 120, 8]))
      do {
        let card = try codes.bytes.withUnsafeBytes {
          try HammingCodes(bits: 1024, codes: $0, numbers: codes.numbers, on: backend)
        }
        #expect(device.memoryUsed() - before > 512 << 10)
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for index in 0..<8 {
            group.addTask { try card.nearest(to: [queries[index]], k: 5)[0] == expected[index] }
          }
          for try await isRight in group { #expect(isRight) }
        }
        #expect(executable.memory.activations == 0)
      }
      #expect(device.memoryUsed() - before == executable.memory.weights)
    }
  }
}
