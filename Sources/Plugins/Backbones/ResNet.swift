public import ZooPluginKit

/// Deep residual networks (arXiv 1512.03385) with torchvision's names and its one change: a bottleneck's stride stands
/// on the 3×3 convolution.
public struct ResNet: Trunk {
  public enum Block: Sendable {
    /// Two 3×3 convolutions (figure 5, left).
    case basic
    /// 1×1, 3×3, 1×1 (figure 5, right).
    case bottleneck
  }

  let stem: Conv2D
  let stemNorm: BatchNorm
  let stages: [[ResidualUnit]]
  public let head: Linear

  public var featureCount: Int { head.weight.shape[1] }

  /// - Parameter stages: residual units at 1/4, 1/8, 1/16 and 1/32 of the picture's size.
  public init(_ weights: Weights, stages: [Int], block: Block) throws {
    stem = try Conv2D(weights, "conv1", Convolution(stride: Extent(2), padding: .explicit(Insets(3))))
    stemNorm = try BatchNorm(weights, "bn1")
    self.stages = try stages.enumerated().map { stage, units in
      try (0..<units).map { unit in
        try ResidualUnit(
          weights, "layer\(stage + 1).\(unit)", block: block, stride: stage > 0 && unit == 0 ? 2 : 1)
      }
    }
    head = try Linear(weights, "fc")
  }

  public func features(_ picture: Value) throws -> Value {
    var x = try stemNorm(stem(picture)).relu()
    x = try x.pooled(Pool(.maximum, window: Extent(3), stride: Extent(2), padding: Insets(1)))
    for unit in stages.joined() { x = try unit(x) }
    return try x.globalAveragePooled().flattened()
  }
}

/// relu(x + F(x)), with a projection of x where F changes its shape.
struct ResidualUnit: Sendable {
  let convolutions: [(conv: Conv2D, norm: BatchNorm)]
  let projection: (conv: Conv2D, norm: BatchNorm)?

  init(_ weights: Weights, _ name: String, block: ResNet.Block, stride: Int) throws {
    func pair(_ index: Int, kernel: Int, stride: Int = 1) throws -> (Conv2D, BatchNorm) {
      let options = Convolution(stride: Extent(stride), padding: .explicit(Insets(kernel / 2)))
      return (
        try Conv2D(weights, "\(name).conv\(index)", options), try BatchNorm(weights, "\(name).bn\(index)")
      )
    }
    convolutions =
      switch block {
      case .basic: [try pair(1, kernel: 3, stride: stride), try pair(2, kernel: 3)]
      case .bottleneck: [try pair(1, kernel: 1), try pair(2, kernel: 3, stride: stride), try pair(3, kernel: 1)]
      }
    projection =
      weights.contains("\(name).downsample.0.weight")
      ? (
        try Conv2D(weights, "\(name).downsample.0", Convolution(stride: Extent(stride))),
        try BatchNorm(weights, "\(name).downsample.1")
      ) : nil
  }

  func callAsFunction(_ x: Value) throws -> Value {
    var y = x
    for (index, (conv, norm)) in convolutions.enumerated() {
      y = try norm(conv(y))
      if index < convolutions.count - 1 { y = try y.relu() }
    }
    let skip = try projection.map { try $0.norm($0.conv(x)) } ?? x
    return try (y + skip).relu()
  }
}
