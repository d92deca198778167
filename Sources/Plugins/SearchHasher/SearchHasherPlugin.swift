import Foundation
import ZooBackbones
public import ZooPluginKit

/// The network of Visual Search at eBay (arXiv 1706.03154, section 3): one trunk, a binary hash head, a category head and
/// the heads of attributes, all from one forward pass.
public struct SearchHasherPlugin: ModelPlugin {
  public static let name = "search-hasher"

  private let trunk: any Trunk
  private let hash: Linear
  private let category: Linear
  private let categories: [String]
  private let attributes: AttributeHeads?
  private let transform: PictureTransform
  private let topK: Int

  public init(_ configuration: SearchHasherConfig, files: ModelFiles) throws {
    let trunkWeights = try files.weights(configuration.trunkWeights, or: "trunk.safetensors", field: "trunk_weights")
    let headWeights = try files.weights(configuration.headWeights, or: "heads.safetensors", field: "head_weights")
    trunk = try configuration.trunk.trunk(trunkWeights, field: "config.trunk")
    hash = try Linear(head: "hash", headWeights, features: trunk.featureCount)
    category = try Linear(head: "category", headWeights, features: trunk.featureCount)
    categories = try files.lines(configuration.categories, or: "categories.txt", field: "categories")
    attributes = try AttributeHeads(
      configuration.attributes, weights: headWeights, features: trunk.featureCount, files: files)
    transform = try PictureTransform(configuration.preprocessing)

    let bits = Int(configuration.bits)
    guard 32...4096 ~= bits, bits % 8 == 0 else {
      throw PluginError(.invalidConfiguration, "config.bits is \(bits): give a multiple of 8 from 32 to 4096")
    }
    guard hash.outputCount == bits else {
      throw PluginError(
        .invalidConfiguration, "config.bits is \(bits) and hash.weight has \(hash.outputCount) rows")
    }
    guard categories.count == category.outputCount else {
      throw PluginError(
        .invalidFile,
        "config.categories names \(categories.count) categories and category.weight has \(category.outputCount) rows")
    }
    topK = configuration.topK == 0 ? min(3, categories.count) : Int(configuration.topK)
    guard 1...categories.count ~= topK else {
      throw PluginError(.invalidConfiguration, "config.top_k is \(topK): give a number from 1 to \(categories.count)")
    }
  }

  public var interface: ModelInterface {
    var interface = ModelInterface(
      inputs: [transform.slot()],
      parameters: [
        .init("top_k", .integer, "how many categories to name, 1 to \(categories.count)", default: "\(topK)"),
        .init("embedding", .choice, "no, or yes for the trunk's features as well", default: "no"),
      ],
      outputs: [
        .init("code", .code, "\(hash.outputCount) bits; similar products differ in few"),
        .init("categories", .labels, "the likeliest of \(categories.count) categories with their probabilities"),
      ])
    if let attributes {
      interface.parameters[0].description += ", and values of each attribute"
      interface.parameters.append(.init("attributes", .choice, "yes, or no for none", default: "yes"))
      interface.outputs += attributes.attributes.map {
        .init($0.outputName, .labels, "the likeliest of \($0.values.count) values with their probabilities")
      }
    }
    interface.outputs.append(
      .init("embedding", .tensor, "float32 [\(trunk.featureCount)], where it was asked for"))
    return interface
  }

  public func network() throws -> Graph {
    let builder = GraphBuilder()
    let picture = try builder.input("image", shape: transform.shape)
    let features = try trunk.features(picture)
    var outputs = [
      ("hash", try hash(features).sigmoid()), ("category", try category(features)), ("embedding", features),
    ]
    if let attributes { outputs.append(("attributes", try attributes(features))) }
    return builder.graph(outputs: outputs)
  }

  public struct Wish: Sendable {
    var topK: Int
    var includesAttributes: Bool
    var includesEmbedding: Bool
  }

  public func prepare(_ input: ModelInput) throws -> (inputs: [PreparedInput], context: Wish) {
    let wish = Wish(
      topK: try input.integer("top_k", in: 1...categories.count, default: topK),
      includesAttributes: try input.choice("attributes", of: ["yes", "no"]) == "yes",
      includesEmbedding: try input.choice("embedding", of: ["no", "yes"]) == "yes")
    return ([try transform.prepared(input)], wish)
  }

  public func finish(_ tensors: [Tensor], context wish: Wish, for input: ModelInput) throws -> ModelOutput {
    var output = ModelOutput([
      ("code", .code(Self.packed(tensors[0].floats()))),
      ("categories", .labels(Logits(tensors[1]).top(wish.topK, names: categories))),
    ])
    if wish.includesAttributes, let attributes {
      output.values += attributes.labels(tensors[3], count: wish.topK)
    }
    if wish.includesEmbedding {
      output.values.append(("embedding", .tensor(try tensors[2].reshaped(to: Shape([trunk.featureCount])))))
    }
    return output
  }

  /// Thresholds at 0.5 and packs: bit i is bit (i mod 8), counted from the least significant, of byte i / 8.
  static func packed(_ activations: [Float]) -> ModelOutput.Code {
    var bytes = [UInt8](repeating: 0, count: (activations.count + 7) / 8)
    for (bit, activation) in activations.enumerated() where activation > 0.5 {
      bytes[bit / 8] |= 1 << (bit % 8)
    }
    return ModelOutput.Code(bits: activations.count, data: Data(bytes))
  }
}
