extension Graph {
  /// Drops nodes whose result reaches no output. Inputs stay, because callers feed them by position.
  public func removingDeadNodes() throws -> Graph {
    // Rewriting drops them by itself.
    try GraphRewriter.rewrite(self) { _, _ in .keep }
  }
}
