extension Graph {
  /// Makes a padding part of the convolution behind it, where nothing else uses the padded picture.
  ///
  /// Zeros add to a convolution's own zeros. A reflected or replicated border is absorbed only where the convolution
  /// pads nothing itself. 'Same' padding is left alone: its size depends on the padded picture.
  public func absorbingPadding() throws -> Graph {
    try GraphRewriter.rewrite(self) { id, rewriter in
      let node = rewriter[id]
      guard case .convolution(var options) = node.operation,
        case .explicit(let own) = options.padding,
        case .pad(let mode, let insets) = rewriter[node.inputs[0]].operation,
        rewriter.hasOneUse(node.inputs[0]),
        own == .zero || (mode == .zero && options.paddingMode == .zero)
      else { return .keep }
      options.paddingMode = mode
      options.padding = .explicit(
        Insets(
          top: own.top + insets.top, bottom: own.bottom + insets.bottom,
          leading: own.leading + insets.leading, trailing: own.trailing + insets.trailing))
      return .replace(
        name: node.name, .convolution(options),
        [.node(rewriter[node.inputs[0]].inputs[0])]
          + node.inputs.dropFirst().map { GraphRewriter.Operand.node($0) })
    }
  }
}
