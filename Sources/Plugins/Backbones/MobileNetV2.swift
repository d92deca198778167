public import ZooPluginKit

/// MobileNetV2 (arXiv 1801.04381, table 2) with torchvision's names. The width multiplier is that of the weights.
public struct MobileNetV2: Trunk {
  let stem: Conv2D
  let stemNorm: BatchNorm
  let blocks: [InvertedResidual]
  let top: Conv2D
  let topNorm: BatchNorm
  public let head: Linear

  public var featureCount: Int { head.weight.shape[1] }

  public init(_ weights: Weights) throws {
    // Repeats and the stride of the first block in each of the seven stages: n and s of table 2.
    let stages: [(repeats: Int, stride: Int)] = [(1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1)]
    let strides = stages.flatMap { stage in [stage.stride] + Array(repeating: 1, count: stage.repeats - 1) }

    stem = try Conv2D(weights, "features.0.0", Convolution(stride: Extent(2), padding: .explicit(Insets(1))))
    stemNorm = try BatchNorm(weights, "features.0.1")
    blocks = try strides.enumerated().map { index, stride in
      let name = "features.\(index + 1).conv"
      // The first block does not widen: what it has starts with the depthwise convolution.
      let widens = index > 0
      let first = widens ? 1 : 0
      return try InvertedResidual(
        weights, expand: widens ? ("\(name).0.0", "\(name).0.1") : nil,
        depthwise: ("\(name).\(first).0", "\(name).\(first).1"),
        project: ("\(name).\(first + 1)", "\(name).\(first + 2)"), stride: stride, padding: .explicit(Insets(1)))
    }
    let last = "features.\(strides.count + 1)"
    top = try Conv2D(weights, "\(last).0")
    topNorm = try BatchNorm(weights, "\(last).1")
    head = try Linear(weights, "classifier.1")
  }

  public func features(_ picture: Value) throws -> Value {
    var x = try stemNorm(stem(picture)).relu6()
    for block in blocks { x = try block(x) }
    return try topNorm(top(x)).relu6().globalAveragePooled().flattened()
  }
}

/// The block of table 1: widen, filter each channel, narrow; the skip joins the narrow ends. EfficientNet has it too.
struct InvertedResidual: Sendable {
  typealias Layer = (conv: Conv2D, norm: BatchNorm)

  let expand: Layer?
  let depthwise: Layer
  let project: Layer
  let stride: Int

  /// - Parameters:
  ///   - expand: names of a convolution and of its norm, as in `depthwise` and `project`; none where the block does
  ///     not widen.
  ///   - padding: of the depthwise convolution.
  init(
    _ weights: Weights, expand: (String, String)?, depthwise: (String, String), project: (String, String),
    stride: Int, padding: Padding, epsilon: Float = 1e-5
  ) throws {
    func layer(_ names: (conv: String, norm: String)) throws -> Layer {
      (try Conv2D(weights, names.conv), try BatchNorm(weights, names.norm, epsilon: epsilon))
    }
    self.expand = try expand.map(layer)
    var (filter, norm) = try layer(depthwise)
    // A filter of no rank is left for the graph to refuse.
    let channels = filter.filter.shape.dimensions.first ?? 1
    filter.options = Convolution(stride: Extent(stride), groups: channels, padding: padding)
    self.depthwise = (filter, norm)
    self.project = try layer(project)
    self.stride = stride
  }

  func callAsFunction(_ x: Value) throws -> Value {
    var y = x
    if let expand { y = try expand.norm(expand.conv(y)).relu6() }
    y = try depthwise.norm(depthwise.conv(y)).relu6()
    y = try project.norm(project.conv(y))
    return stride == 1 && y.shape == x.shape ? try x + y : y
  }
}
