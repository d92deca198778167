public import ZooTensor

/// Random numbers that are the same on every machine and in every run (SplitMix64).
public struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  /// A seed that depends on nothing but the text (FNV-1a), so that a new row changes no other.
  public init(seed text: String) {
    self.init(seed: text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A float32 tensor with uniform elements.
  public mutating func tensor(_ shape: Shape, in range: ClosedRange<Float> = -1...1) throws -> Tensor {
    var elements: [Float] = []
    for _ in 0..<shape.elementCount {
      // 24 bits, so that the result is the same whatever the standard library does with the rest.
      let unit = Float(next() >> 40) * 0x1p-24
      elements.append(range.lowerBound + (range.upperBound - range.lowerBound) * unit)
    }
    return try Tensor(elements, shape: shape)
  }
}
