public import ZooGraph
public import ZooTensor

/// The range of every result of a network, from which 8-bit numbers get their scales; found by running the network on
/// typical inputs.
public struct Calibration: Sendable, Hashable, Codable {
  /// Finite, `lower` at most `upper`.
  public struct Range: Sendable, Hashable, Codable {
    public var lower: Float
    public var upper: Float

    public init(lower: Float, upper: Float) {
      self.lower = lower
      self.upper = upper
    }
  }

  /// By the name of the node in the optimised graph.
  public var ranges: [String: Range]

  public init(ranges: [String: Range]) {
    self.ranges = ranges
  }

  /// Runs a network and takes the smallest and the largest number of every result.
  ///
  /// - Parameters:
  ///   - inputs: what each run is fed; at least one.
  ///   - backend: on which it runs, in float32.
  /// - Throws: ``BackendError`` where there is no input, or a result that is not finite.
  public init(of graph: Graph, on inputs: some Sequence<[Tensor]>, by backend: some Backend) throws {
    let graph = try graph.optimized()
    let computed = graph.nodes.indices.filter {
      if case .constant = graph.nodes[$0].operation { false } else { true }
    }
    let probe = Graph(
      nodes: graph.nodes, inputs: graph.inputs,
      outputs: computed.map { Graph.Output(name: graph.nodes[$0].name, node: $0) })
    let executable = try backend.compile(probe, options: CompileOptions())
    ranges = [:]
    for input in inputs {
      for (node, result) in zip(computed, try executable.run(input)) {
        try include(result, of: graph.nodes[node].name)
      }
    }
    guard !ranges.isEmpty else {
      throw BackendError(.invalidInput, "there is nothing to calibrate with: give an input")
    }
  }

  private mutating func include(_ result: Tensor, of name: String) throws(BackendError) {
    let values = result.floats()
    guard let first = values.first else { return }
    var range = ranges[name] ?? Range(lower: first, upper: first)
    for value in values {
      guard value.isFinite else {
        throw BackendError(.invalidInput, "\(name) is \(value) for an input of the calibration: leave that input out")
      }
      range.lower = min(range.lower, value)
      range.upper = max(range.upper, value)
    }
    ranges[name] = range
  }
}
