import Foundation
import ZooBackbones
public import ZooPluginKit

/// The network of Visual Search at eBay (arXiv 1706.03154, section 3): one trunk, a binary hash head and a category head,
/// all from one forward pass.
public struct SearchHasherPlugin: ModelPlugin {
  public static let name = "search-hasher"

  private let trunk: any Trunk
  private let hash: Linear
  private let category: Linear
  private let categories: [String]
  private let transform: PictureTransform
  private let topK: Int

  public init(_ configuration: SearchHasherConfig, files: ModelFiles) throws {
    let trunkWeights = try files.weights(configuration.trunkWeights, or: "trunk.safetensors", field: "trunk_weights")
    let headWeights = try files.weights(configuration.headWeights, or: "heads.safetensors", field: "head_weights")
    trunk = try configuration.trunk.trunk(trunkWeights, field: "config.trunk")
    hash = try Linear(headWeights, "hash")
    category = try Linear(headWeights, "category")
    categories = try files.lines(configuration.categories, or: "categories.txt", field: "categories")
    transform = try PictureTransform(configuration.preprocessing)

    for head in [hash, category] {
      guard head.weight.shape.rank == 2, head.weight.shape[1] == trunk.featureCount else {
        throw PluginError(
          .invalidFile,
          "\(head.name).weight is \(head.weight.shape) and the trunk has \(trunk.featureCount) features: it should be "
            + "[outputs, \(trunk.featureCount)]")
      }
    }
    let bits = Int(configuration.bits)
    guard 32...4096 ~= bits, bits % 8 == 0 else {
      throw PluginError(.invalidConfiguration, "config.bits is \(bits): give a multiple of 8 from 32 to 4096")
    }
    guard hash.weight.shape[0] == bits else {
      throw PluginError(
        .invalidConfiguration, "config.bits is \(bits) and hash.weight has \(hash.weight.shape[0]) rows")
    }
    guard categories.count == category.weight.shape[0] else {
      throw PluginError(
        .invalidFile,
        "config.categories names \(categories.count) categories and category.weight has \(category.weight.shape[0]) rows"
      )
    }
    topK = configuration.topK == 0 ? min(3, categories.count) : Int(configuration.topK)
    guard 1...categories.count ~= topK else {
      throw PluginError(.invalidConfiguration, "config.top_k is \(topK): give a number from 1 to \(categories.count)")
    }
  }

  public var interface: ModelInterface {
    ModelInterface(
      inputs: [transform.slot()],
      parameters: [
        .init("top_k", .integer, "how many categories to name, 1 to \(categories.count)", default: "\(topK)"),
        .init("embedding", .choice, "no, or yes for the trunk's features as well", default: "no"),
      ],
      outputs: [
        .init("code", .code, "\(hash.weight.shape[0]) bits; similar products differ in few"),
        .init("categories", .labels, "the likeliest of \(categories.count) categories with their probabilities"),
        .init("embedding", .tensor, "float32 [\(trunk.featureCount)], where it was asked for"),
      ])
  }

  public func network() throws -> Graph {
    let builder = GraphBuilder()
    let picture = try builder.input("image", shape: transform.shape)
    let features = try trunk.features(picture)
    return builder.graph(outputs: [
      ("hash", try hash(features).sigmoid()), ("category", try category(features)), ("embedding", features),
    ])
  }

  public struct Wish: Sendable {
    var topK: Int
    var includesEmbedding: Bool
  }

  public func prepare(_ input: ModelInput) throws -> (tensors: [Tensor], context: Wish) {
    let wish = Wish(
      topK: try input.integer("top_k", in: 1...categories.count, default: topK),
      includesEmbedding: try input.choice("embedding", of: ["no", "yes"]) == "yes")
    return ([try transform.tensor(for: input)], wish)
  }

  public func finish(_ tensors: [Tensor], context wish: Wish, for input: ModelInput) throws -> ModelOutput {
    var output = ModelOutput([
      ("code", .code(Self.packed(tensors[0].floats()))),
      ("categories", .labels(Logits(tensors[1]).top(wish.topK, names: categories))),
    ])
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
