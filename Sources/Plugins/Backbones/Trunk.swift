public import ZooPluginKit

/// A network that turns pictures into features, and the last layer that it was trained with.
public protocol Trunk: Sendable {
  /// The length of the feature vector.
  var featureCount: Int { get }
  /// The fully connected layer from features to classes that came with the weights.
  var head: Linear { get }

  /// - Parameter picture: `[N, H, W, 3]`, normalised.
  /// - Returns: the globally pooled features, `[N, featureCount]`.
  func features(_ picture: Value) throws -> Value
}

extension Trunk {
  /// - Parameter picture: `[N, H, W, 3]`, normalised.
  /// - Returns: class logits, `[N, classes]`.
  public func callAsFunction(_ picture: Value) throws -> Value {
    try head(features(picture))
  }
}

extension Backbone {
  /// The network with these weights.
  ///
  /// - Parameter field: of the configuration, for errors: `config.backbone`.
  public func trunk(_ weights: Weights, field: String) throws -> any Trunk {
    let trunk: any Trunk =
      switch self {
      case .resnet18: try ResNet(weights, stages: [2, 2, 2, 2], block: .basic)
      case .resnet34: try ResNet(weights, stages: [3, 4, 6, 3], block: .basic)
      case .resnet50: try ResNet(weights, stages: [3, 4, 6, 3], block: .bottleneck)
      case .efficientnetLite0: try EfficientNetLite0(weights)
      case .mobilenetV2: try MobileNetV2(weights)
      case .unspecified, .UNRECOGNIZED:
        throw PluginError(
          .invalidConfiguration,
          "\(field) is not set: give BACKBONE_RESNET18, _RESNET34, _RESNET50, _EFFICIENTNET_LITE0 or _MOBILENET_V2")
      }
    let head = trunk.head
    guard head.weight.shape.rank == 2 else {
      throw PluginError(
        .invalidFile, "\(head.name).weight is \(head.weight.shape): it should be [classes, features]")
    }
    return trunk
  }
}
