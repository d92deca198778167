public import ZooPluginKit

/// EfficientNet-B0 (arXiv 1905.11946, table 1) as its authors made it light: no squeeze-and-excitation, ReLU6 for SiLU.
///
/// Padding is TensorFlow's 'SAME' and batch norm's ε 1e-3, as the weights were trained with.
public struct EfficientNetLite0: Trunk {
  private static let epsilon: Float = 1e-3

  let stem: Conv2D
  let stemNorm: BatchNorm
  let blocks: [InvertedResidual]
  let top: Conv2D
  let topNorm: BatchNorm
  public let head: Linear

  public var featureCount: Int { head.weight.shape[1] }

  public init(_ weights: Weights) throws {
    // Repeats and the stride of the first block in each of the seven stages; kernels and widths are the weights'.
    let stages: [(repeats: Int, stride: Int)] = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]
    let strides = stages.flatMap { stage in [stage.stride] + Array(repeating: 1, count: stage.repeats - 1) }

    stem = try Conv2D(weights, "_conv_stem", Convolution(stride: Extent(2), padding: .same))
    stemNorm = try BatchNorm(weights, "_bn0", epsilon: Self.epsilon)
    blocks = try strides.enumerated().map { index, stride in
      let name = "_blocks.\(index)"
      let widens = weights.contains("\(name)._expand_conv.weight")
      return try InvertedResidual(
        weights, expand: widens ? ("\(name)._expand_conv", "\(name)._bn0") : nil,
        depthwise: ("\(name)._depthwise_conv", "\(name)._bn1"), project: ("\(name)._project_conv", "\(name)._bn2"),
        stride: stride, padding: .same, epsilon: Self.epsilon)
    }
    top = try Conv2D(weights, "_conv_head")
    topNorm = try BatchNorm(weights, "_bn1", epsilon: Self.epsilon)
    head = try Linear(weights, "_fc")
  }

  public func features(_ picture: Value) throws -> Value {
    var x = try stemNorm(stem(picture)).relu6()
    for block in blocks { x = try block(x) }
    return try topNorm(top(x)).relu6().globalAveragePooled().flattened()
  }
}
