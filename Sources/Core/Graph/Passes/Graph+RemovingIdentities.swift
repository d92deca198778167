import ZooTensor

extension Graph {
  /// Drops nodes that give back what they get, whatever the extents of their input: padding by nothing, a reshape that
  /// keeps every axis, resizing by one, a window of one pixel, the concatenation of one tensor.
  public func removingIdentities() throws -> Graph {
    try GraphRewriter.rewrite(self) { id, rewriter in
      let node = rewriter[id]
      guard node.inputs.count == 1, node.operation.isIdentity(onRank: rewriter[node.inputs[0]].shape.rank) else {
        return .keep
      }
      return .forward(to: node.inputs[0])
    }
  }
}

extension Operation {
  /// True where the result of one input equals it for every input of this rank.
  fileprivate func isIdentity(onRank rank: Int) -> Bool {
    switch self {
    case .pad(_, let insets):
      insets == .zero
    case .reshape(let dimensions):
      // [1, 100] may only happen to fit: with another batch it would not.
      dimensions.count == rank && dimensions.allSatisfy { $0 == 0 || $0 == -1 }
    case .flatten(let axis):
      axis == rank - 1
    case .resize(let resize):
      resize.scale == Extent(1)
    case .pool(let pool):
      pool.window == Extent(1) && pool.stride == Extent(1)
    case .concatenate:
      true
    default:
      false
    }
  }
}
