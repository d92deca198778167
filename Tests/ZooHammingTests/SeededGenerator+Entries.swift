import ZooSeeded

@testable import ZooHamming

extension SeededGenerator {
  mutating func code(bits: Int) -> [UInt8] {
    (0..<bits / 8).map { _ in UInt8.random(in: 0...255, using: &self) }
  }

  /// A code that differs from another in up to `flips` bits.
  mutating func code(near code: [UInt8], flips: Int) -> [UInt8] {
    var code = code
    for _ in 0..<Int.random(in: 0...flips, using: &self) {
      code[.random(in: 0..<code.count, using: &self)] ^= 1 << UInt8.random(in: 0..<8, using: &self)
    }
    return code
  }

  /// Entries as real ones are: some near each other, some with the same code, some like no other. Numbers come in no order.
  mutating func entries(_ count: Int, bits: Int, partitions: UInt32 = 1, from first: UInt32 = 0) -> [HammingEntry] {
    let centres = (0..<max(1, count / 50)).map { _ in code(bits: bits) }
    let numbers = (0..<UInt32(count)).map { first + $0 }.shuffled(using: &self)
    var entries: [HammingEntry] = []
    entries.reserveCapacity(count)
    for number in numbers {
      let kind = Int.random(in: 0..<10, using: &self)
      let code =
        switch kind {
        case 0: self.code(bits: bits)
        case 1: entries.randomElement(using: &self)?.code ?? self.code(bits: bits)
        default: self.code(near: centres.randomElement(using: &self)!, flips: bits / 8)
        }
      entries.append(
        HammingEntry(
          number: number, partition: .random(in: 0..<partitions, using: &self), label: number % 7, code: code))
    }
    return entries
  }
}
