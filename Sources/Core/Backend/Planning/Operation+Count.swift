public import ZooGraph
public import ZooTensor

extension Operation {
  /// Multiplications and additions, as the operation is defined; one for each element where it has neither.
  public func operationCount(inputs: [Shape], result: Shape) -> Int {
    switch self {
    case .convolution: 2 * result.elementCount * (inputs[1].elementCount / inputs[1][0])
    case .transposedConvolution: 2 * inputs[0].elementCount * (inputs[1].elementCount / inputs[1][0])
    case .linear: 2 * result.elementCount * inputs[1][1]
    case .matrixMultiply: 2 * result.elementCount * inputs[0][inputs[0].rank - 1]
    default: result.elementCount
    }
  }
}
