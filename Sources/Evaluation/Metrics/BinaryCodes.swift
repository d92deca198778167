/// Codes of one width, side by side.
struct BinaryCodes: Sendable {
  let bits: Int
  private let wordsPerCode: Int
  private let words: [UInt64]

  /// - Parameter codes: each of (bits + 7) / 8 bytes.
  init(_ codes: [[UInt8]], bits: Int) {
    self.bits = bits
    let wordsPerCode = (bits + 63) / 64
    self.wordsPerCode = wordsPerCode
    words = codes.flatMap { code in
      var words = [UInt64](repeating: 0, count: wordsPerCode)
      for (index, byte) in code.enumerated() { words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8)) }
      return words
    }
  }

  /// Bits that differ between a code and each of `others`.
  func distances(of index: Int, to others: BinaryCodes) -> [UInt32] {
    let (count, own) = (wordsPerCode, index * wordsPerCode)
    return words.withUnsafeBufferPointer { words in
      others.words.withUnsafeBufferPointer { other in
        (0..<other.count / count).map { item in
          var distance = 0
          for word in 0..<count { distance += (words[own + word] ^ other[item * count + word]).nonzeroBitCount }
          return UInt32(distance)
        }
      }
    }
  }
}
