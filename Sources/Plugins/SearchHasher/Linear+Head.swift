import ZooPluginKit

extension Linear {
  /// A head on a trunk's features: `name.weight`, `[outputs, features]`, and `name.bias`, `[outputs]`.
  init(head name: String, _ weights: Weights, features: Int) throws {
    try self.init(weights, name)
    guard weight.shape.rank == 2, weight.shape[1] == features else {
      throw PluginError(
        .invalidFile,
        "\(name).weight is \(weight.shape) and the trunk has \(features) features: it should be [outputs, \(features)]")
    }
    if let bias, bias.shape != [weight.shape[0]] {
      throw PluginError(
        .invalidFile, "\(name).bias is \(bias.shape) and \(name).weight \(weight.shape): it should be [\(outputCount)]")
    }
  }

  var outputCount: Int { weight.shape[0] }
}
