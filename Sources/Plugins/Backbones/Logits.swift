import Foundation
public import ZooPluginKit

/// The scores of classes, with their names.
public struct Logits: Sendable {
  public let values: [Float]

  public init(_ values: [Float]) {
    self.values = values
  }

  public init(_ tensor: Tensor) {
    values = tensor.floats()
  }

  /// exp(xᵢ) / Σ exp(xⱼ), computed relative to the largest so that nothing overflows.
  public var probabilities: [Float] {
    let largest = values.max() ?? 0
    let exponentials = values.map { exp($0 - largest) }
    let sum = exponentials.reduce(0) { $0 + Double($1) }
    return exponentials.map { Float(Double($0) / sum) }
  }

  /// The likeliest classes, the likeliest first; of equals the one with the smaller index.
  public func top(_ count: Int, names: [String]) -> [ModelOutput.Label] {
    let probabilities = probabilities
    return probabilities.indices
      .sorted { (probabilities[$0], $1) > (probabilities[$1], $0) }
      .prefix(count)
      .map { ModelOutput.Label(index: $0, name: names[$0], probability: probabilities[$0]) }
  }
}
