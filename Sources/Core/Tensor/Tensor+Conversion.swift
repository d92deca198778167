extension Tensor {
  /// The tensor in another element type; itself, not copied, where it already has it.
  ///
  /// Floats round to nearest even. Integers clamp to the range of the target; a NaN becomes 0 there.
  public func converted(to target: ElementType) throws -> Tensor {
    guard target != elementType else { return self }
    return try Tensor(target, shape: shape) { bytes in
      switch target {
      case .float32: read { bytes.store($0, at: $1, as: Float.self) { Float($0) } }
      case .float16: read { bytes.store($0, at: $1, as: Float16.self) { Float16($0) } }
      case .bfloat16: read { bytes.store($0, at: $1, as: BFloat16.self) { BFloat16(Float($0)) } }
      case .int8: read { bytes.store($0, at: $1, as: Int8.self) { Int8(clampingRounded: $0) } }
      case .uint8: read { bytes.store($0, at: $1, as: UInt8.self) { UInt8(clampingRounded: $0) } }
      case .int32: read { bytes.store($0, at: $1, as: Int32.self) { Int32(clampingRounded: $0) } }
      case .int64: read { bytes.store($0, at: $1, as: Int64.self) { Int64(clampingRounded: $0) } }
      }
    }
  }

  /// A copy of the elements, converted to `Float`.
  public func floats() -> [Float] {
    if elementType == .float32 {
      return withUnsafeBytes { bytes in
        [Float](unsafeUninitializedCapacity: shape.elementCount) { target, count in
          UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
          count = shape.elementCount
        }
      }
    }
    return [Float](unsafeUninitializedCapacity: shape.elementCount) { target, count in
      read { target.initializeElement(at: $1, to: Float($0)) }
      count = shape.elementCount
    }
  }

  /// Calls `body` with every element as a `Double` (exact but for large `int64`) and its index.
  private func read(_ body: (Double, Int) -> Void) {
    withUnsafeBytes { bytes in
      func each<Stored: BitwiseCopyable>(_: Stored.Type, _ convert: (Stored) -> Double) {
        let stride = MemoryLayout<Stored>.stride
        for index in 0..<shape.elementCount {
          body(convert(bytes.loadUnaligned(fromByteOffset: index * stride, as: Stored.self)), index)
        }
      }
      switch elementType {
      case .float32: each(Float.self) { Double($0) }
      case .float16: each(Float16.self) { Double($0) }
      case .bfloat16: each(BFloat16.self) { Double(Float($0)) }
      case .int8: each(Int8.self) { Double($0) }
      case .uint8: each(UInt8.self) { Double($0) }
      case .int32: each(Int32.self) { Double($0) }
      case .int64: each(Int64.self) { Double($0) }
      }
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  @inline(__always)
  fileprivate func store<Element: BitwiseCopyable>(
    _ value: Double, at index: Int, as type: Element.Type, _ convert: (Double) -> Element
  ) {
    storeBytes(of: convert(value), toByteOffset: index * MemoryLayout<Element>.stride, as: Element.self)
  }
}

extension FixedWidthInteger {
  fileprivate init(clampingRounded value: Double) {
    guard !value.isNaN else {
      self = 0
      return
    }
    let rounded = value.rounded(.toNearestOrEven)
    if let exact = Self(exactly: rounded) {
      self = exact
    } else {
      self = rounded < 0 ? .min : .max
    }
  }
}
