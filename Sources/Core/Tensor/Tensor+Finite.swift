extension Tensor {
  /// The place, in row-major order, of the first element that is NaN or infinite; nil for integers.
  public func firstNonFiniteIndex() -> Int? {
    switch elementType {
    case .float32: firstIndex(withExponent: 0x7F80_0000 as UInt32)
    case .float16: firstIndex(withExponent: 0x7C00 as UInt16)
    case .bfloat16: firstIndex(withExponent: 0x7F80 as UInt16)
    case .int8, .uint8, .int32, .int64: nil
    }
  }

  /// The place of the first element whose exponent bits are all set.
  ///
  /// Adding the lowest exponent bit to the magnitude carries into the sign bit exactly where all exponent bits are
  /// set, so one `or` over a block tells whether to look closer. The loop has no branch and becomes vector code.
  private func firstIndex<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    withExponent exponent: Bits
  ) -> Int? {
    let sign: Bits = 1 << (Bits.bitWidth - 1)
    let lowest = exponent & (~exponent &+ 1)
    let blockCount = 4096
    return withUnsafeBytes { bytes in
      let elements = bytes.assumingMemoryBound(to: Bits.self)
      var start = 0
      while start < elements.count {
        let end = min(start + blockCount, elements.count)
        var carries: Bits = 0
        for index in start..<end {
          carries |= (elements[index] & ~sign) &+ lowest
        }
        if carries & sign != 0 {
          return elements[start..<end].firstIndex { $0 & exponent == exponent }
        }
        start = end
      }
      return nil
    }
  }
}
