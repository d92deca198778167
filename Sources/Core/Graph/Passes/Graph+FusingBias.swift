import ZooTensor

extension Graph {
  /// Makes the addition of one known number per channel the bias of the convolution, transposed convolution or linear
  /// layer before it; the addition's activation goes along.
  public func fusingBias() throws -> Graph {
    try GraphRewriter.rewrite(self) { id, rewriter in
      let node = rewriter[id]
      guard case .add(let activation) = node.operation else { return .keep }
      for (source, addend) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        guard let constant = rewriter.constant(addend),
          let layer = WeightedLayer(source, in: rewriter),
          let addends = constant.perChannel(of: layer.outputChannels, rank: rewriter[source].shape.rank)
        else { continue }
        let bias = zip(layer.biasValues, addends).map { Float($0 + $1) }
        return try layer.replaced(bias: bias, activation: activation)
      }
      return .keep
    }
  }
}

extension Tensor {
  /// One number for each channel, where broadcasting this over `[…, channels]` of the given rank does just that.
  fileprivate func perChannel(of channels: Int, rank: Int) -> [Double]? {
    guard shape.rank <= rank else { return nil }
    if shape.elementCount == 1 { return Array(repeating: Double(floats()[0]), count: channels) }
    guard shape.elementCount == channels, shape.dimensions.last == channels else { return nil }
    return floats().map(Double.init)
  }
}
