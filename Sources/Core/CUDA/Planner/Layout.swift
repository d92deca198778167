import ZooBackend
import ZooGraph
import ZooTensor

/// Where the elements of a value are.
enum Place: Sendable, Hashable {
  /// In bytes from the start of the arena.
  case arena(Int)
  /// A constant of the network.
  case fixed(UInt64)
}

/// Which values share memory and how long each is needed.
struct Layout {
  enum Value: Hashable {
    /// What a node gives.
    case result(Graph.NodeID)
    /// The same in float32, where the network computes in something else: of an input, and of an answer.
    case input(Graph.NodeID), answer(Graph.NodeID)
    /// What an instance normalisation needs on the way.
    case partial(Graph.NodeID), statistics(Graph.NodeID)
  }

  /// Of every offset, in bytes: what the driver gives its own memory.
  static let alignment = 256

  private let network: Network
  private let shapes: [Shape]
  /// One of the lifetimes.
  private var buffers: [Value: Int] = [:]
  private(set) var lifetimes: [MemoryPlan.Lifetime] = []

  /// - Parameter steps: they run at 0, 1, …; inputs arrive before, answers leave after.
  init(_ steps: [Fusion], network: Network, shapes: [Shape]) {
    let graph = network.graph
    self.network = network
    self.shapes = shapes
    var lastUse: [Value: Int] = [:]
    for (position, step) in steps.enumerated() {
      for id in step.reads { lastUse[root(id)] = position }
    }
    let end = steps.count
    for output in graph.outputs { lastUse[root(output.node)] = end }
    let size = { (id: Graph.NodeID) in shapes[id].elementCount * network.element.byteCount }
    let floatSize = { (id: Graph.NodeID) in shapes[id].elementCount * MemoryLayout<Float>.size }
    let isNarrow = network.element != .float32

    for id in graph.inputs {
      buffers[.result(id)] = add(size: size(id), first: -1, last: lastUse[.result(id)] ?? -1)
      if isNarrow { buffers[.input(id)] = add(size: floatSize(id), first: -1, last: -1) }
    }
    for (position, step) in steps.enumerated() {
      let last = lastUse[.result(step.result)] ?? position
      if let buffer = replacedBuffer(step, at: position, lastUse) {
        buffers[.result(step.result)] = buffer
        lifetimes[buffer].last = last
      } else {
        buffers[.result(step.result)] = add(size: size(step.result), first: position, last: last)
      }
      if case .instanceNorm = graph.nodes[step.node].operation {
        let chunks = InstanceNormChunks(shapes[step.node])
        for (value, count) in [
          (Value.partial(step.node), chunks.partialCount), (.statistics(step.node), chunks.statisticsCount),
        ] {
          buffers[value] = add(size: count * MemoryLayout<Float>.size, first: position, last: position)
        }
      }
    }
    if isNarrow {
      for output in graph.outputs where buffers[answer(output.node)] == nil {
        buffers[answer(output.node)] = add(size: floatSize(output.node), first: end, last: end)
      }
    }
  }

  func place(of value: Value, in memory: MemoryPlan) -> Place {
    if let buffer = buffers[value] { return .arena(memory.offsets[buffer]) }
    if case .result(let id) = value, let constant = network.constants[id] { return .fixed(constant.address) }
    preconditionFailure("\(value) is used before it is placed")
  }

  /// The value whose memory a node's is: a reshaped one is the same elements.
  func root(_ id: Graph.NodeID) -> Value { .result(network.graph.root(of: id)) }

  /// The float32 form of an answer.
  func answer(_ id: Graph.NodeID) -> Value { .answer(network.graph.root(of: id)) }

  /// An operand that nobody needs any more, of the same size, which the result may be written over.
  private func replacedBuffer(_ step: Fusion, at position: Int, _ lastUse: [Value: Int]) -> Int? {
    let isElementwise = network.graph.nodes[step.node].operation.isElementwise
    let shape = shapes[step.result]
    // What is read by other threads than the one that writes.
    let untouchable = step.operands.filter { !isElementwise || shapes[$0] != shape }.map(root)
    let candidates = [step.addend].compactMap(\.self) + (isElementwise ? step.operands : [])
    return candidates.lazy.compactMap { id -> Int? in
      guard shapes[id] == shape, lastUse[root(id)] == position, !untouchable.contains(root(id)) else { return nil }
      return buffers[root(id)]
    }.first
  }

  private mutating func add(size: Int, first: Int, last: Int) -> Int {
    lifetimes.append(MemoryPlan.Lifetime(size: size, first: first, last: last))
    return lifetimes.count - 1
  }
}

extension Fusion {
  fileprivate var reads: [Graph.NodeID] { operands + [addend].compactMap(\.self) }
}

/// How the pixels of an instance normalisation are cut: by the size of the picture alone, so that the result for a picture
/// does not depend on the others of its batch.
struct InstanceNormChunks {
  static let size = 256

  let items, pixels, channels: Int
  var chunks: Int { (pixels + Self.size - 1) / Self.size }
  /// In floats.
  var partialCount: Int { items * chunks * 3 * channels }
  var statisticsCount: Int { items * 3 * channels }

  /// - Parameter shape: `[N, H, W, C]`
  init(_ shape: Shape) {
    (items, pixels, channels) = (shape[0], shape[1] * shape[2], shape[3])
  }
}
