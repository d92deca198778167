import ArgumentParser
import ZooBackbones
import ZooCycleGAN
import ZooGraph
import ZooTensor
import ZooWeights

/// The networks that are compared.
enum Network: String, ExpressibleByArgument, CaseIterable {
  case cycleGANResNet9 = "cyclegan-resnet9"
  case resNet50 = "resnet50"
  case efficientNetLite0 = "efficientnet-lite0"
  case mobileNetV2 = "mobilenet-v2"

  /// The network with an input of this shape and one output.
  func graph(weights: Weights, shape: Shape) throws -> Graph {
    let builder = GraphBuilder()
    let input = try builder.input("input", shape: shape)
    let output =
      switch self {
      case .cycleGANResNet9: try ResNetGenerator(weights, options: ResNetGenerator.Options(blocks: 9))(input)
      case .resNet50: try ResNet(weights, stages: [3, 4, 6, 3], block: .bottleneck)(input)
      case .efficientNetLite0: try EfficientNetLite0(weights)(input)
      case .mobileNetV2: try MobileNetV2(weights)(input)
      }
    return builder.graph(outputs: [("output", output)])
  }
}
