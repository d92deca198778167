import ZooTensor

extension ReferenceValue {
  /// y[…, c] = (x − mean[c]) / √(variance[c] + ε) · scale[c] + shift[c]
  func batchNormalized(
    scale: ReferenceValue, shift: ReferenceValue, mean: ReferenceValue, variance: ReferenceValue, epsilon: Double
  ) -> ReferenceValue {
    let channels = shape[shape.rank - 1]
    var y = self
    for index in elements.indices {
      let c = index % channels
      y.elements[index] = (elements[index] - mean[c]) / (variance[c] + epsilon).squareRoot() * scale[c] + shift[c]
    }
    return y
  }

  /// The same with mean and (biased) variance of each picture's own channel.
  func instanceNormalized(
    affine: (scale: ReferenceValue, shift: ReferenceValue)?, epsilon: Double
  ) -> ReferenceValue {
    let pixels = shape[1] * shape[2]
    var y = self
    for n in 0..<shape[0] {
      for c in 0..<shape[3] {
        let channel = (0..<pixels).map { (n * pixels + $0) * shape[3] + c }
        let mean = channel.reduce(0) { $0 + elements[$1] } / Double(pixels)
        let variance =
          channel.reduce(0) { sum, index in
            let distance = elements[index] - mean
            return sum + distance * distance
          } / Double(pixels)
        for index in channel {
          let normalized = (elements[index] - mean) / (variance + epsilon).squareRoot()
          y.elements[index] = normalized * (affine?.scale[c] ?? 1) + (affine?.shift[c] ?? 0)
        }
      }
    }
    return y
  }
}
