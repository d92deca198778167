import ZooBackbones
import ZooPluginKit

/// What a search hasher predicts of a picture besides its category (arXiv 1706.03154, section 3.2): one linear head an
/// attribute, all of them stacked into one layer, so that the features are multiplied once.
struct AttributeHeads: Sendable {
  struct Attribute: Sendable {
    var name: String
    /// The names of its values, in the order of its logits.
    var values: [String]

    /// Its name among the answer's values.
    var outputName: String { ModelOutput.attributePrefix + name }
  }

  static let maximumCount = 64

  let attributes: [Attribute]
  private let linear: Linear

  /// - Returns: nil where the configuration has no attributes.
  init?(_ configuration: [AttributeHead], weights: Weights, features: Int, files: ModelFiles) throws {
    guard !configuration.isEmpty else { return nil }
    guard configuration.count <= Self.maximumCount else {
      throw PluginError(
        .invalidConfiguration,
        "config.attributes has \(configuration.count) entries: give at most \(Self.maximumCount)")
    }
    var attributes: [Attribute] = []
    var weight: [Float] = []
    var bias: [Float] = []
    for (index, entry) in configuration.enumerated() {
      let field = "attributes[\(index)]"
      try Self.check(entry.name, field: field, earlier: attributes)
      let attribute = Attribute(
        name: entry.name,
        values: try files.lines(entry.values, or: "attributes/\(entry.name).txt", field: "\(field).values"))
      let head = try Linear(head: attribute.outputName, weights, features: features)
      guard attribute.values.count == head.outputCount else {
        throw PluginError(
          .invalidFile,
          "config.\(field).values names \(attribute.values.count) values and \(head.name).weight has "
            + "\(head.outputCount) rows")
      }
      weight += head.weight.floats()
      bias += head.bias?.floats() ?? Array(repeating: 0, count: head.outputCount)
      attributes.append(attribute)
    }
    self.attributes = attributes
    linear = Linear(
      "attributes", weight: try Tensor(weight, shape: Shape([bias.count, features])),
      bias: try Tensor(bias, shape: Shape([bias.count])))
  }

  private static func check(_ name: String, field: String, earlier: [Attribute]) throws(PluginError) {
    guard
      1...64 ~= name.utf8.count,
      name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
    else {
      throw PluginError(
        .invalidConfiguration,
        "config.\(field).name is \"\(name)\": give 1 to 64 ASCII letters, digits, _ and -")
    }
    guard !earlier.contains(where: { $0.name == name }) else {
      throw PluginError(
        .invalidConfiguration, "config.\(field).name is \"\(name)\", as that of another: give each name once")
    }
  }

  /// - Parameter features: `[N, features]`
  /// - Returns: the logits of all attributes, one after the other, `[N, values of all]`.
  func callAsFunction(_ features: Value) throws -> Value {
    try linear(features)
  }

  /// Each attribute's likeliest values, at most `count` of them, with probabilities that sum to 1 over all of its values.
  ///
  /// - Parameter logits: of one picture, `[1, values of all]`.
  func labels(_ logits: Tensor, count: Int) -> [(name: String, value: ModelOutput.Value)] {
    let logits = logits.floats()
    var start = 0
    return attributes.map { attribute in
      let range = start..<start + attribute.values.count
      start = range.upperBound
      return (attribute.outputName, .labels(Logits(Array(logits[range])).top(count, names: attribute.values)))
    }
  }
}
