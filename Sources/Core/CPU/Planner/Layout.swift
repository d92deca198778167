import ZooGraph
import ZooTensor

/// Which results share memory and how long each is needed; from this a ``MemoryPlan`` is made.
struct Layout {
  private enum Home {
    case place(Plan.Place)
    /// One of the lifetimes.
    case buffer(Int)
  }

  private let graph: Graph
  private let shapes: [Shape]
  /// The last node that reads each node's elements by its own name; the number of nodes for outputs.
  private let lastUse: [Graph.NodeID]
  private var homes: [Graph.NodeID: Home] = [:]
  private(set) var lifetimes: [MemoryPlan.Lifetime] = []

  init(_ graph: Graph, shapes: [Shape]) {
    self.graph = graph
    self.shapes = shapes
    var lastUse = Array(graph.nodes.indices)
    for (id, node) in graph.nodes.enumerated() {
      for input in node.inputs { lastUse[input] = id }
    }
    for output in graph.outputs { lastUse[output.node] = graph.nodes.count }
    self.lastUse = lastUse
    for (position, id) in graph.inputs.enumerated() { homes[id] = .place(.input(position)) }
    for (id, node) in graph.nodes.enumerated() {
      if case .constant = node.operation { homes[id] = .place(.constant(id)) }
    }
  }

  /// `id` has the elements of `other`, under another shape.
  mutating func alias(_ id: Graph.NodeID, to other: Graph.NodeID) {
    homes[id] = homes[other]
    if case .buffer(let buffer) = homes[id] { extend(buffer, to: lastUse[id]) }
  }

  /// Gives the result of `id` memory: that of an operand which nobody needs any more, or its own.
  ///
  /// - Parameter canReplace: positions of the operands that it may be written over.
  mutating func place(_ id: Graph.NodeID, canReplace: [Int]) {
    let node = graph.nodes[id]
    for position in canReplace {
      let operand = node.inputs[position]
      // A buffer that aliases extend is needed beyond this node, unless this node is its last reader.
      if case .buffer(let buffer) = homes[operand], lifetimes[buffer].last == id, shapes[operand] == shapes[id] {
        homes[id] = .buffer(buffer)
        extend(buffer, to: lastUse[id])
        return
      }
    }
    homes[id] = .buffer(lifetimes.count)
    lifetimes.append(MemoryPlan.Lifetime(size: shapes[id].elementCount, first: id, last: lastUse[id]))
  }

  func memoryPlan() -> MemoryPlan { MemoryPlan(lifetimes) }

  func place(of id: Graph.NodeID, in memory: MemoryPlan) -> Plan.Place {
    switch homes[id] {
    case .place(let place): place
    case .buffer(let buffer): .arena(memory.offsets[buffer])
    case nil: preconditionFailure("\(graph.nodes[id].name) is used before it is placed")
    }
  }

  func offset(of id: Graph.NodeID, in memory: MemoryPlan) -> Int {
    guard case .buffer(let buffer) = homes[id] else {
      preconditionFailure("\(graph.nodes[id].name) is not computed into memory of its own")
    }
    return memory.offsets[buffer]
  }

  private mutating func extend(_ buffer: Int, to last: Graph.NodeID) {
    lifetimes[buffer].last = max(lifetimes[buffer].last, last)
  }
}
