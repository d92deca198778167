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
      guard bias.allSatisfy(\.isFinite), let filter = try layer.filter(scaledBy: factors) else { return .keep }
      layer.filter.evict()
      return try layer.replaced(filter: filter, bias: bias)
    }
  }
}

extension WeightedLayer {
  /// The filter with what contributes to a channel of the result multiplied by the channel's factor; nil where that is not
  /// finite.
  fileprivate func filter(scaledBy factors: [Double]) throws -> Tensor? {
    let runLength = runLength
    let scaled = try Tensor(.float32, shape: filter.shape) { bytes in
      let target = bytes.bindMemory(to: Float.self)
      try filter.converted(to: .float32).withElements(of: Float.self) { source in
        for run in 0..<source.count / runLength {
          let factor = factors[outputChannel(ofRun: run)]
          for index in run * runLength..<(run + 1) * runLength {
            target[index] = Float(factor * Double(source[index]))
          }
        }
      }
    }
    return scaled.firstNonFiniteIndex() == nil ? scaled : nil
  }
}

extension Tensor {
  fileprivate var doubles: [Double] { floats().map(Double.init) }
}
