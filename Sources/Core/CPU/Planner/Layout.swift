import ZooBackend
import ZooGraph
import ZooTensor

/// Which values share memory and how long each is needed; from this a ``MemoryPlan`` is made.
struct Layout {
  enum Value: Hashable {
    /// What a node gives.
    case result(Graph.NodeID)
    /// Mean, scale and shift of every picture and channel, `[N][3][C]`, for an instance normalisation.
    case statistics(Graph.NodeID)
    /// What a node gives, in 8 bits.
    case bytes(Graph.NodeID)

    init(_ id: Graph.NodeID, _ form: Fusion.Form) {
      self = form == .bytes ? .bytes(id) : .result(id)
    }
  }

  private let graph: Graph
  private let shapes: [Shape]
  /// One of the lifetimes.
  private var buffers: [Value: Int] = [:]
  private(set) var lifetimes: [MemoryPlan.Lifetime] = []

  init(_ steps: [Fusion], graph: Graph, shapes: [Shape]) {
    self.graph = graph
    self.shapes = shapes
    var lastUse: [Value: Int] = [:]
    for (position, step) in steps.enumerated() {
      for value in step.reads { lastUse[root(value)] = position }
    }
    for output in graph.outputs { lastUse[root(.result(output.node))] = steps.count }
    for (position, step) in steps.enumerated() {
      let result = Value(step.result, step.resultForm)
      let last = lastUse[result] ?? position
      // What a step reads anywhere at any time cannot be written over, whatever else it is to the step.
      let untouchable = step.isElementwise(graph) ? [] : step.operands.map { root(step.operand($0)) }
      let replaced = ([step.addend].compactMap(\.self) + (step.isElementwise(graph) ? step.operands : [])).first {
        // A value that is needed beyond this step, by whatever name, keeps its memory.
        let value = root(step.operand($0))
        return step.operandForm == step.resultForm && shapes[$0] == shapes[step.result] && lastUse[value] == position
          && buffers[value] != nil
          && !untouchable.contains(value)
      }
      if let buffer = replaced.flatMap({ buffers[root(step.operand($0))] }) {
        buffers[result] = buffer
        lifetimes[buffer].last = last
      } else {
        buffers[result] = add(
          size: Self.size(of: shapes[step.result].elementCount, step.resultForm), first: position, last: last)
      }
      if let normalization = step.statistics {
        let shape = shapes[normalization]
        let value = Value.statistics(normalization)
        buffers[value] = add(size: 3 * shape[0] * shape[3], first: position, last: lastUse[value] ?? position)
      }
    }
  }

  /// In floats. Kernels read the last row of bytes to the next multiple of four: up to three beyond the end.
  private static func size(of elements: Int, _ form: Fusion.Form) -> Int {
    form == .bytes ? (elements + 3) / MemoryLayout<Float>.size + 1 : elements
  }

  func memoryPlan() -> MemoryPlan {
    MemoryPlan(lifetimes, alignment: MemoryBlock.alignment / MemoryLayout<Float>.size)
  }

  func place(of value: Value, in memory: MemoryPlan) -> Plan.Place {
    let value = root(value)
    if let buffer = buffers[value] { return .arena(memory.offsets[buffer]) }
    guard case .result(let id) = value else { preconditionFailure("statistics are read that nobody computes") }
    if let position = graph.inputs.firstIndex(of: id) { return .input(position) }
    if case .constant = graph.nodes[id].operation { return .constant(id) }
    preconditionFailure("\(graph.nodes[id].name) is used before it is placed")
  }

  func offset(of value: Value, in memory: MemoryPlan) -> Int {
    guard let buffer = buffers[value] else { preconditionFailure("\(value) is not computed into memory of its own") }
    return memory.offsets[buffer]
  }

  /// The value whose memory this one is: a reshaped one is the same elements.
  private func root(_ value: Value) -> Value {
    switch value {
    case .result(let id): .result(graph.root(of: id))
    case .bytes(let id): .bytes(graph.root(of: id))
    case .statistics: value
    }
  }

  private mutating func add(size: Int, first: Int, last: Int) -> Int {
    lifetimes.append(MemoryPlan.Lifetime(size: size, first: first, last: last))
    return lifetimes.count - 1
  }
}

extension Fusion {
  func operand(_ id: Graph.NodeID) -> Layout.Value { Layout.Value(id, operandForm) }

  fileprivate var reads: [Layout.Value] {
    operands.map(operand) + [addend.map(operand), normalization.map { .statistics($0) }].compactMap(\.self)
  }

  /// True where each element of an operand is read before the result's is written, and no other is needed for it.
  fileprivate func isElementwise(_ graph: Graph) -> Bool {
    if isConversion { return false }
    return switch graph.nodes[node].operation {
    case .activation, .batchNorm, .instanceNorm, .softmax, .add, .multiply: true
    default: false
    }
  }
}
