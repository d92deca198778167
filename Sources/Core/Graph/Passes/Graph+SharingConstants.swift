import ZooTensor

extension Graph {
  /// Merges constants that look at the same memory in the same way, so that a backend packs them once.
  public func sharingConstants() throws -> Graph {
    var seen: [Shape: [(id: NodeID, tensor: Tensor)]] = [:]
    return try GraphRewriter.rewrite(self) { id, rewriter in
      guard let tensor = rewriter.constant(id) else { return .keep }
      let equal = seen[tensor.shape, default: []].first {
        $0.tensor.sharesStorage(with: tensor) && $0.tensor.elementType == tensor.elementType
      }
      if let equal { return .forward(to: equal.id) }
      seen[tensor.shape, default: []].append((id, tensor))
      return .keep
    }
  }
}
