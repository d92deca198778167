extension Graph {
  /// Makes an activation part of the convolution, transposed convolution, linear layer, instance normalisation or
  /// addition before it, where nothing else uses that one's result.
  public func fusingActivations() throws -> Graph {
    try GraphRewriter.rewrite(self) { id, rewriter in
      guard case .activation(let activation) = rewriter[id].operation else { return .keep }
      let producer = rewriter[id].inputs[0]
      guard rewriter.hasOneUse(producer), let fused = rewriter[producer].operation.fusing(activation) else {
        return .keep
      }
      return .replace(
        name: rewriter[producer].name, fused, rewriter[producer].inputs.map { GraphRewriter.Operand.node($0) })
    }
  }
}
