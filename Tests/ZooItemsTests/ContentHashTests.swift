import Testing
import ZooItems

@Suite("Content hashes")
struct ContentHashTests {
  @Test("a hash has 32 bytes, no more and no less")
  func size() {
    #expect(ContentHash(repeatElement(0, count: 31)) == nil)
    #expect(ContentHash(repeatElement(0, count: 33)) == nil)
    #expect(ContentHash(repeatElement(0, count: 32)) != nil)
  }

  @Test("hashes read as hexadecimal digits, the first byte first")
  func description() {
    let hash = ContentHash(UInt8(0)..<32)
    #expect(hash?.description == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
    #expect(ContentHash(repeatElement(0xAB, count: 32))?.description == String(repeating: "ab", count: 32))
  }

  @Test("hashes are in the order of their bytes")
  func order() throws {
    func hash(_ first: UInt8, _ last: UInt8) throws -> ContentHash {
      try #require(ContentHash([first] + [UInt8](repeating: 0, count: 30) + [last]))
    }
    #expect(try hash(1, 0) < hash(1, 1))
    #expect(try hash(1, 255) < hash(2, 0))
    #expect(try hash(0x7F, 0) < hash(0x80, 0))
    #expect(try !(hash(1, 1) < hash(1, 1)))
  }
}
