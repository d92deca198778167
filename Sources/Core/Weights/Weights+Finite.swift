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
