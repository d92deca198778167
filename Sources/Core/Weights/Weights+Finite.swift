import ZooTensor

extension Weights {
  /// Checks that no floating-point tensor holds a NaN or an infinity.
  ///
  /// One pass over the memory, at its bandwidth.
  ///
  /// - Throws: ``WeightsError`` (`notFinite`) that names the first tensor with one, its value and its index.
  public func requireFinite() throws(WeightsError) {
    try forEach { name, tensor throws(WeightsError) in
      guard let index = tensor.firstNonFiniteIndex() else { return }
      let coordinates = tensor.shape.coordinates(ofElement: index)
      throw WeightsError(
        .notFinite,
        """
        the tensor \(quoted(name)) \(tensor) holds \(tensor.float(at: index)) at \(coordinates): \
        the training has diverged or the file is damaged, take an earlier checkpoint
        """)
    }
  }
}

extension Tensor {
  /// The place, in row-major order, of the first element that is NaN or infinite; nil for integers.
  func firstNonFiniteIndex() -> Int? {
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

  /// One element of a floating-point tensor.
  func float(at index: Int) -> Float {
    switch elementType {
    case .float32: withElements(of: Float.self) { $0[index] }
    case .float16: withElements(of: Float16.self) { Float($0[index]) }
    case .bfloat16: withElements(of: BFloat16.self) { Float($0[index]) }
    case .int8, .uint8, .int32, .int64: preconditionFailure("\(elementType) is not a floating-point type")
    }
  }
}

extension Shape {
  /// Where the element at this place of the row-major order is.
  func coordinates(ofElement index: Int) -> [Int] {
    var rest = index
    var coordinates = [Int](repeating: 0, count: rank)
    for axis in dimensions.indices.reversed() {
      (rest, coordinates[axis]) = rest.quotientAndRemainder(dividingBy: dimensions[axis])
    }
    return coordinates
  }
}
