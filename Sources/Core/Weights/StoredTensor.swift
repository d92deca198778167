import ZooTensor

/// A tensor as it lies in a file: a window on bytes, with a shape and a stride for every dimension.
struct StoredTensor {
  let name: String
  let type: StoredType
  let shape: Shape
  /// How many elements apart neighbours are along each dimension; nil where they lie in row-major order.
  let strides: [Int]?
  /// From the first element on. Whoever makes a `StoredTensor` has checked that every element is within.
  let bytes: UnsafeRawBufferPointer

  /// The tensor. It looks into the file where the bytes allow that: same element type, row-major order, aligned.
  func load(owner: FileBytes, budget: inout CopyBudget) throws(WeightsError) -> Tensor {
    do {
      let byteCount = try shape.byteCount(of: type.elementType)
      if type.isElementType, strides == nil, isAligned {
        let window = UnsafeRawBufferPointer(rebasing: bytes[..<byteCount])
        return try Tensor(
          type.elementType, shape: shape, storage: TensorStorage(borrowing: window, owner: owner))
      }
      try budget.take(byteCount, forTensor: name)
      if type.isElementType {
        return try Tensor(type.elementType, shape: shape) { gather(into: $0) }
      }
      guard strides != nil else { return try convert(bytes) }
      let rowMajor = try gathered(budget: &budget)
      defer { rowMajor.deallocate() }
      return try convert(UnsafeRawBufferPointer(rowMajor))
    } catch {
      throw WeightsError(error, inTensor: name)
    }
  }

  private var isAligned: Bool {
    UInt(bitPattern: bytes.baseAddress) % UInt(type.byteCount) == 0
  }
}

// MARK: - Gathering

extension StoredTensor {
  /// A copy of the elements in row-major order, in their type in the file.
  private func gathered(budget: inout CopyBudget) throws(WeightsError) -> UnsafeMutableRawBufferPointer {
    let (byteCount, overflow) = shape.elementCount.multipliedReportingOverflow(by: type.byteCount)
    try budget.take(overflow ? .max : byteCount, forTensor: name)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: TensorStorage.alignment)
    gather(into: copy)
    return copy
  }

  private func gather(into target: UnsafeMutableRawBufferPointer) {
    guard let strides else {
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<target.count]))
      return
    }
    switch type.byteCount {
    case 8: gather(UInt64.self, strides: strides, into: target)
    case 4: gather(UInt32.self, strides: strides, into: target)
    case 2: gather(UInt16.self, strides: strides, into: target)
    default: gather(UInt8.self, strides: strides, into: target)
    }
  }

  /// Walks the dimensions like an odometer; the last one is the inner loop.
  private func gather<Bits: BitwiseCopyable>(
    _: Bits.Type, strides: [Int], into target: UnsafeMutableRawBufferPointer
  ) {
    guard shape.elementCount > 0 else { return }
    let size = MemoryLayout<Bits>.size
    let rowLength = shape.dimensions.last ?? 1
    let rowStride = strides.last ?? 0
    var indices = [Int](repeating: 0, count: max(shape.rank - 1, 0))
    var source = 0
    for row in 0..<(shape.elementCount / rowLength) {
      for column in 0..<rowLength {
        let element = bytes.loadUnaligned(fromByteOffset: (source + column * rowStride) * size, as: Bits.self)
        target.storeBytes(of: element, toByteOffset: (row * rowLength + column) * size, as: Bits.self)
      }
      for axis in indices.indices.reversed() {
        indices[axis] += 1
        source += strides[axis]
        if indices[axis] < shape[axis] { break }
        source -= indices[axis] * strides[axis]
        indices[axis] = 0
      }
    }
  }
}

// MARK: - Conversion

extension StoredTensor {
  /// The tensor of elements that are in row-major order and not of a type that tensors have.
  private func convert(_ rowMajor: UnsafeRawBufferPointer) throws -> Tensor {
    switch type {
    case .float64:
      return try converted(rowMajor, from: UInt64.self, to: Float.self) { bits, index throws(WeightsError) in
        let value = Double(bitPattern: bits)
        let rounded = Float(value)
        guard rounded.isFinite || !value.isFinite else {
          throw WeightsError(
            .notRepresentable,
            """
            the float64 tensor \(quoted(name)) holds \(value) at \(shape.coordinates(ofElement: index)), which \
            float32 cannot hold: clamp it before saving
            """)
        }
        return rounded
      }
    case .int16:
      return try converted(rowMajor, from: Int16.self, to: Int32.self) { value, _ in Int32(value) }
    case .uint16:
      return try converted(rowMajor, from: UInt16.self, to: Int32.self) { value, _ in Int32(value) }
    case .uint32:
      return try converted(rowMajor, from: UInt32.self, to: Int64.self) { value, _ in Int64(value) }
    case .bool:
      return try converted(rowMajor, from: UInt8.self, to: UInt8.self) { value, _ in value == 0 ? 0 : 1 }
    case .float32, .float16, .bfloat16, .int64, .int32, .int8, .uint8:
      preconditionFailure("\(type) needs no conversion")
    }
  }

  private func converted<Stored: FixedWidthInteger & BitwiseCopyable, Element: TensorElement>(
    _ source: UnsafeRawBufferPointer, from: Stored.Type, to: Element.Type,
    _ convert: (Stored, Int) throws(WeightsError) -> Element
  ) throws -> Tensor {
    try Tensor(Element.elementType, shape: shape) { target in
      for index in 0..<shape.elementCount {
        let stored = source.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        target.storeBytes(
          of: try convert(Stored(littleEndian: stored), index),
          toByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
      }
    }
  }
}
