import ZooGraph
import ZooTensor

extension Operation {
  /// - Precondition: the operands have passed `outputShape(of:at:)`, which gave `shape`.
  func reference(_ x: [ReferenceValue], shape: Shape) -> ReferenceValue {
    switch self {
    case .input, .constant: preconditionFailure("inputs and constants have their values before anything runs")
    case .convolution(let options): options.reference(x, shape: shape).activated(by: options.activation)
    case .transposedConvolution(let options): options.reference(x, shape: shape).activated(by: options.activation)
    case .linear(let activation):
      x[0].linear(x[1], bias: x.count == 3 ? x[2] : nil, shape: shape).activated(by: activation)
    case .matrixMultiply: x[0].matrixMultiplied(by: x[1], shape: shape)
    case .batchNorm(let epsilon):
      x[0].batchNormalized(scale: x[1], shift: x[2], mean: x[3], variance: x[4], epsilon: Double(epsilon))
    case .instanceNorm(let epsilon, let activation):
      x[0].instanceNormalized(affine: x.count == 3 ? (x[1], x[2]) : nil, epsilon: Double(epsilon))
        .activated(by: activation)
    case .activation(let activation): x[0].activated(by: activation)
    case .pad(let mode, let insets): x[0].padded(mode, insets, shape: shape)
    case .pool(let pool): pool.reference(x[0], shape: shape)
    case .globalAveragePool: x[0].globallyAveraged(shape: shape)
    case .resize(let resize): resize.reference(x[0], shape: shape)
    case .add(let activation): x[0].combined(with: x[1], shape: shape, +).activated(by: activation)
    case .multiply: x[0].combined(with: x[1], shape: shape, *)
    case .concatenate(let axis): ReferenceValue(concatenating: x, axis: axis, shape: shape)
    case .reshape, .flatten: ReferenceValue(shape: shape, elements: x[0].elements)
    case .softmax(let axis): x[0].softmax(axis: axis < 0 ? axis + shape.rank : axis)
    }
  }
}
