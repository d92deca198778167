public import ZooGraph
import ZooTensor

/// Every operation × odd shapes, for holding a backend against the reference. A new operation is one row here.
public enum ParityTable {
  /// Seeded: the same graphs and numbers in every run.
  public static func cases() throws -> [ParityCase] {
    try convolutions() + transposedConvolutions() + matrices() + normalizations() + elementwise() + pictures()
      + layout() + extremes() + networks() + randomNetworks()
  }

  static let activations: [Activation] = [
    .relu, .relu6, .leakyReLU(slope: 0.2), .sigmoid, .tanh, .silu, .hardSwish,
  ]

  private static func randomNetworks() throws -> [ParityCase] {
    try (0..<24).map { try RandomNetwork.parityCase(seed: $0) }
  }
}

extension Operation {
  /// The name of the case, for finding out which operations a table misses.
  public var kind: String {
    switch self {
    case .input: "input"
    case .constant: "constant"
    case .convolution: "convolution"
    case .transposedConvolution: "transposedConvolution"
    case .linear: "linear"
    case .matrixMultiply: "matrixMultiply"
    case .batchNorm: "batchNorm"
    case .instanceNorm: "instanceNorm"
    case .activation: "activation"
    case .pad: "pad"
    case .pool: "pool"
    case .globalAveragePool: "globalAveragePool"
    case .resize: "resize"
    case .add: "add"
    case .multiply: "multiply"
    case .concatenate: "concatenate"
    case .reshape: "reshape"
    case .flatten: "flatten"
    case .softmax: "softmax"
    }
  }

  /// What a complete table holds. The switch above does not compile without a new case; it belongs here too.
  public static let kinds: Set<String> = [
    "input", "constant", "convolution", "transposedConvolution", "linear", "matrixMultiply", "batchNorm",
    "instanceNorm", "activation", "pad", "pool", "globalAveragePool", "resize", "add", "multiply", "concatenate",
    "reshape", "flatten", "softmax",
  ]
}
