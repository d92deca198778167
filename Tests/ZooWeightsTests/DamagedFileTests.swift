import Testing
import ZooSeeded
import ZooTensor
import ZooWeights

/// Every way in which a real file may be damaged: an error comes out, or numbers; never a trap, never a hang.
@Suite struct DamagedFileTests {
  @Test(arguments: Fixture.names)
  func aFileThatIsCutAnywhereIsRefused(name: String) throws {
    let bytes = try Fixture.bytes(name)
    for count in bytes.indices {
      #expect(throws: WeightsError.self, "cut to \(count) bytes") {
        try Fixture.read(Array(bytes[..<count]), named: name)
      }
    }
    _ = try Fixture.read(bytes, named: name)
  }

  @Test(arguments: Fixture.names)
  func aFileWithSomethingAppendedIsRefused(name: String) throws {
    let bytes = try Fixture.bytes(name)
    #expect(throws: WeightsError.self) { try Fixture.read(bytes + [0], named: name) }
  }

  /// Two hundred and fifty files from each fixture, the same in every run.
  @Test(arguments: Fixture.names)
  func changedFilesAreReadOrRefused(name: String) throws {
    let original = try Fixture.bytes(name)
    var generator = SeededGenerator(seed: name.utf8.reduce(1) { $0 &* 31 &+ UInt64($1) })
    var refused = 0
    for _ in 0..<250 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) { mutate(&bytes, using: &generator) }
      do {
        let weights = try Fixture.read(bytes, named: name)
        for name in weights.names {
          // Reads the first and the last byte of every tensor, and all between.
          let tensor = try weights[name]
          let byteCount = tensor.withUnsafeBytes { bytes in
            bytes.reduce(into: (count: 0, sum: 0 as UInt8)) { result, byte in
              result.count += 1
              result.sum &+= byte
            }.count
          }
          #expect(byteCount == tensor.byteCount)
        }
      } catch {
        #expect(!error.message.isEmpty)
        refused += 1
      }
    }
    #expect(refused > 25, "the changes are too weak to test anything")
  }

  private func mutate(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: bytes.indices, using: &generator)
    switch Int.random(in: 0..<7, using: &generator) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: bytes[place] = .random(in: 0 ... .max, using: &generator)
    case 2:
      bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, 0x28, 0x2E, 0x30, 0x52, 0x74, 0x85].randomElement(using: &generator) ?? 0
    case 3:
      let number = [0, 1, .max, .min, -1, 1 << 31, 1 << 32].randomElement(using: &generator) ?? 0
      for (offset, byte) in littleEndianBytes(number).enumerated() where place + offset < bytes.count {
        bytes[place + offset] = byte
      }
    case 4: bytes.insert(.random(in: 0 ... .max, using: &generator), at: place)
    case 5: bytes.remove(at: place)
    default:
      let end = min(bytes.count, place + Int.random(in: 1...16, using: &generator))
      let target = Int.random(in: bytes.indices, using: &generator)
      for (offset, byte) in Array(bytes[place..<end]).enumerated() where target + offset < bytes.count {
        bytes[target + offset] = byte
      }
    }
  }
}
