import ZooBackbones
public import ZooPluginKit

/// Image classification: a trunk with the last layer that it was trained with, and the names of its classes.
public struct ClassifierPlugin: ModelPlugin {
  public static let name = "classifier"

  private let trunk: any Trunk
  private let labels: [String]
  private let transform: PictureTransform
  private let topK: Int

  public init(_ configuration: ClassifierConfig, files: ModelFiles) throws {
    let weights = try files.weights(configuration.weights, or: "weights.safetensors", field: "weights")
    trunk = try configuration.backbone.trunk(weights, field: "config.backbone")
    labels = try files.lines(configuration.labels, or: "labels.txt", field: "labels")
    transform = try PictureTransform(configuration.preprocessing)
    let classes = trunk.head.weight.shape[0]
    guard labels.count == classes else {
      throw PluginError(
        .invalidFile,
        "config.labels names \(labels.count) classes and the weights have \(classes): give one name a line")
    }
    topK = configuration.topK == 0 ? 5 : Int(configuration.topK)
    guard 1...classes ~= topK else {
      throw PluginError(.invalidConfiguration, "config.top_k is \(topK): give a number from 1 to \(classes)")
    }
  }

  public var interface: ModelInterface {
    ModelInterface(
      inputs: [transform.slot()],
      parameters: [.init("top_k", .integer, "how many classes to name, 1 to \(labels.count)", default: "\(topK)")],
      outputs: [.init("labels", .labels, "the likeliest of \(labels.count) classes with their probabilities")])
  }

  public func network() throws -> Graph {
    let builder = GraphBuilder()
    let picture = try builder.input("image", shape: transform.shape)
    return builder.graph(outputs: [("logits", try trunk(picture))])
  }

  public func prepare(_ input: ModelInput) throws -> (inputs: [PreparedInput], context: Int) {
    let topK = try input.integer("top_k", in: 1...labels.count, default: topK)
    return ([try transform.prepared(input)], topK)
  }

  public func finish(_ tensors: [Tensor], context topK: Int, for input: ModelInput) throws -> ModelOutput {
    ModelOutput([("labels", .labels(Logits(tensors[0]).top(topK, names: labels)))])
  }
}
