public import ZooGraph

extension Graph {
  /// The node whose elements these are: a reshaped one has the same.
  public func root(of id: NodeID) -> NodeID {
    var id = id
    while true {
      switch nodes[id].operation {
      case .reshape, .flatten: id = nodes[id].inputs[0]
      default: return id
      }
    }
  }
}
