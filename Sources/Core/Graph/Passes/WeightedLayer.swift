import ZooTensor

/// A convolution, a transposed convolution or a linear layer whose weights are known and whose result goes unchanged
/// to one place: what follows may be worked into its weights.
struct WeightedLayer {
  let name: String
  let operation: Operation
  let input: Graph.NodeID
  let filter: Tensor
  let bias: Tensor?
  let outputChannels: Int

  init?(_ id: Graph.NodeID, in rewriter: GraphRewriter) {
    let node = rewriter[id]
    guard rewriter.hasOneUse(id), node.inputs.count >= 2, let filter = rewriter.constant(node.inputs[1]) else {
      return nil
    }
    switch node.operation {
    case .convolution(let options) where options.activation == nil:
      outputChannels = filter.shape[0]
    case .transposedConvolution(let options) where options.activation == nil:
      outputChannels = filter.shape[1] * options.groups
    case .linear(activation: nil):
      outputChannels = filter.shape[0]
    default:
      return nil
    }
    if node.inputs.count == 3 {
      guard let bias = rewriter.constant(node.inputs[2]) else { return nil }
      self.bias = bias
    } else {
      bias = nil
    }
    name = node.name
    operation = node.operation
    input = node.inputs[0]
    self.filter = filter
  }

  /// The bias, or the zeros that stand for none.
  var biasValues: [Double] {
    bias.map { $0.floats().map(Double.init) } ?? Array(repeating: 0, count: outputChannels)
  }

  /// Elements of the filter that lie behind each other and contribute to the same channel of the result.
  var runLength: Int {
    guard case .transposedConvolution = operation else { return filter.shape.elementCount / outputChannels }
    return filter.shape[2] * filter.shape[3]
  }

  /// The channel of the result that a run of the filter contributes to.
  func outputChannel(ofRun run: Int) -> Int {
    guard case .transposedConvolution(let options) = operation else { return run }
    let (inputChannels, channelsPerGroup) = (filter.shape[0], filter.shape[1])
    let group = run / channelsPerGroup / (inputChannels / options.groups)
    return group * channelsPerGroup + run % channelsPerGroup
  }

  /// The layer with other weights, in place of what followed it.
  func replaced(
    filter newFilter: Tensor? = nil, bias: [Float], activation: Activation? = nil
  ) throws -> GraphRewriter.Rewrite {
    .replace(
      name: name, operation.fusing(activation) ?? operation,
      [
        .node(input),
        .constant(newFilter ?? filter, name: "\(name).weight"),
        .constant(try Tensor(bias, shape: [outputChannels]), name: "\(name).bias"),
      ])
  }
}

extension Operation {
  /// This operation with an activation at its end; nil where it has no place for one or has one already.
  func fusing(_ activation: Activation?) -> Operation? {
    switch self {
    case .convolution(var options) where options.activation == nil:
      options.activation = activation
      return .convolution(options)
    case .transposedConvolution(var options) where options.activation == nil:
      options.activation = activation
      return .transposedConvolution(options)
    case .linear(activation: nil):
      return .linear(activation: activation)
    case .instanceNorm(let epsilon, activation: nil):
      return .instanceNorm(epsilon: epsilon, activation: activation)
    case .add(activation: nil):
      return .add(activation: activation)
    default:
      return nil
    }
  }
}
