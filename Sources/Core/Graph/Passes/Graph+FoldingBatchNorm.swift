import ZooTensor

extension Graph {
  /// Works batch normalisation into the weights of the convolution, transposed convolution or linear layer before it.
  ///
  /// With s = scale / √(variance + ε), the filter of a channel becomes s·filter and its bias
  /// s·(bias − mean) + shift, computed in `Double` and rounded once. Nothing is folded where the layer's own result is
  /// used elsewhere, where an activation stands in between, or where a folded weight would not be finite.
  public func foldingBatchNorm() throws -> Graph {
    try GraphRewriter.rewrite(self) { id, rewriter in
      let node = rewriter[id]
      guard case .batchNorm(let epsilon) = node.operation,
        let layer = WeightedLayer(node.inputs[0], in: rewriter),
        let scale = rewriter.constant(node.inputs[1])?.doubles,
        let shift = rewriter.constant(node.inputs[2])?.doubles,
        let mean = rewriter.constant(node.inputs[3])?.doubles,
        let variance = rewriter.constant(node.inputs[4])?.doubles
      else { return .keep }

      let factors = zip(scale, variance).map { $0 / ($1 + Double(epsilon)).squareRoot() }
      let bias = layer.biasValues.enumerated().map { channel, bias in
        Float(factors[channel] * (bias - mean[channel]) + shift[channel])
      }
      let filter = layer.filter.doubles.enumerated().map { index, weight in
        Float(factors[layer.outputChannel(ofFilterElement: index)] * weight)
      }
      guard bias.allSatisfy(\.isFinite), filter.allSatisfy(\.isFinite) else { return .keep }
      return try layer.replaced(filter: Tensor(filter, shape: layer.filter.shape), bias: bias)
    }
  }
}

extension Tensor {
  fileprivate var doubles: [Double] { floats().map(Double.init) }
}
