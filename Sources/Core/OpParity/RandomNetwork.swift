import ZooGraph
import ZooTensor

/// Networks of random layers in which results are used once, twice or by the caller: for passes, which must find what
/// may be merged and nothing else.
public enum RandomNetwork {
  /// A graph and numbers to feed it with; the same for the same seed.
  public static func parityCase(seed: UInt64) throws -> ParityCase {
    let weights = RandomWeights(SeededNumbers(seed: seed))
    let shape: Shape = [2, 8, 8, 4]
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: shape)
    // Every value on the way stays within reach of later layers.
    var values = [x]
    var outputs: [Value] = []
    for step in 0..<14 {
      // Mostly straight on, so that there are chains to fuse; now and then from further back.
      let isBranch = weights.chance(1, in: 5)
      let source = isBranch ? values[weights.index(below: values.count)] : values[values.count - 1]
      let result = try layer(step, on: source, values, weights)
      values.append(result)
      if weights.chance(1, in: 6) { outputs.append(result) }
    }
    outputs.append(values[values.count - 1])
    let graph = builder.graph(outputs: outputs.enumerated().map { ("y\($0)", $1) })
    return ParityCase("random network \(seed)", graph: graph, inputs: [try weights.tensor(shape)])
  }

  private static func layer(
    _ step: Int, on x: Value, _ values: [Value], _ weights: RandomWeights
  ) throws -> Value {
    let name = "layer\(step)"
    let channels = x.shape[3]
    switch weights.index(below: 14) {
    case 0, 1:
      // 4 groups divide every width that occurs.
      let groups = [1, 2, 4][weights.index(below: 3)]
      let mode = [PaddingMode.zero, .reflect, .replicate][weights.index(below: 3)]
      let padding = [Padding.explicit(.zero), .explicit(Insets(1)), .same][weights.index(below: 3)]
      let kernel = [1, 3][weights.index(below: 2)]
      guard min(x.shape[1], x.shape[2]) >= 3 else { return try x.relu() }
      return try weights.conv(
        name, x, to: 8, kernel: kernel, Convolution(groups: groups, padding: padding, paddingMode: mode),
        bias: weights.chance(1, in: 2))
    case 2:
      let groups = [1, 2][weights.index(below: 2)]
      return try weights.transposedConv(
        name, x, to: 4, TransposedConvolution(groups: groups, padding: Extent(1)), bias: weights.chance(1, in: 2))
    case 3:
      let weight = try weights.filter([8, channels], fanIn: channels)
      return try Linear(name, weight: weight, bias: weights.chance(1, in: 2) ? weights.tensor([8]) : nil)(x)
    case 4, 5, 6:
      return try weights.norm(name, x)
    case 7, 8:
      return try x.activated(by: ParityTable.activations[weights.index(below: ParityTable.activations.count)])
    case 9:
      return try InstanceNorm(name)(x)
    case 10:
      let shape: Shape = [[1], [channels], [1, 1, 1, channels]][weights.index(below: 3)]
      return try x.adding(x.builder.constant(weights.tensor(shape), name: "\(name).addend"))
    case 11, 12:
      let mode = [PaddingMode.zero, .reflect, .replicate][weights.index(below: 3)]
      guard x.shape[1] > 2, x.shape[2] > 2, x.shape[1] < 16 else { return try x.padded(.zero, .zero) }
      return try x.padded(mode, Insets(weights.index(below: 3)))
    default:
      let fitting = values.filter { $0.shape == x.shape }
      return try x + fitting[weights.index(below: fitting.count)]
    }
  }
}

extension RandomWeights {
  fileprivate func index(below bound: Int) -> Int { Int(numbers.next() % UInt64(bound)) }
  fileprivate func chance(_ wins: Int, in tries: Int) -> Bool { index(below: tries) < wins }
}
