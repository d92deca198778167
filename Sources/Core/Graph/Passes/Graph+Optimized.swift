extension Graph {
  /// The same network with as few nodes as the passes can make of it: what a backend compiles.
  ///
  /// Holds for every input shape of the rank that the graph was built with, not only for the shapes that it was built
  /// with. Inputs and outputs keep their order, outputs their names.
  ///
  /// - Throws: ``GraphError`` where the graph's own shapes do not fit.
  public func optimized() throws -> Graph {
    var graph = try removingDeadNodes()
    var count: Int
    repeat {
      count = graph.stepCount
      graph = try graph.removingIdentities().absorbingPadding().foldingBatchNorm().fusingBias()
    } while graph.stepCount < count
    // Last, because an activation between a layer and what follows stops the passes above.
    return try graph.fusingActivations().sharingConstants()
  }

  /// The number of nodes that do work. Every pass that changes something lowers it, so the loop above ends.
  private var stepCount: Int {
    nodes.count { node in
      if case .constant = node.operation { false } else { true }
    }
  }
}
