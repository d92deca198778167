import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

/// A small graph for a test of a pass: `x` is `[1, 5, 6, 4]`, constants are random.
func graph(
  _ shape: Shape = [1, 5, 6, 4], _ body: (Value, inout SeededNumbers) throws -> [Value]
) throws -> Graph {
  var numbers = SeededNumbers(seed: 7)
  let builder = GraphBuilder()
  let outputs = try body(builder.input("x", shape: shape), &numbers)
  return builder.graph(outputs: outputs.enumerated().map { ("y\($0)", $1) })
}

extension Graph {
  /// The operations that do work, in order.
  var steps: [String] {
    nodes.map(\.operation.kind).filter { $0 != "input" && $0 != "constant" }
  }

  func operation(named name: String) throws -> Operation {
    try #require(nodes.first { $0.name == name }, "no node \(name) among \(nodes.map(\.name))").operation
  }

  /// Runs this graph and `other` on the same random numbers and expects the same answers under the same names.
  func expectSameResults(
    as other: Graph, for shapes: [Shape]? = nil, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var numbers = SeededNumbers(seed: "what is fed")
    let inputs = try (shapes ?? self.inputs.map { nodes[$0].shape }).map { try numbers.tensor($0) }
    let before = try ReferenceExecutable(self).evaluate(inputs)
    let after = try ReferenceExecutable(other).evaluate(inputs)
    #expect(outputs.map(\.name) == other.outputs.map(\.name), comment, sourceLocation: sourceLocation)
    #expect(before.map(\.shape) == after.map(\.shape), comment, sourceLocation: sourceLocation)
    for (a, b) in zip(before, after) {
      // Folded weights are rounded to float32 once more.
      let error = normalizedError(b.elements.map { Float($0) }, a.elements)
      #expect(error < 1e-5, comment, sourceLocation: sourceLocation)
    }
    let stored = other.nodes.map(\.shape)
    let inferred = try other.shapes(for: other.inputs.map { other.nodes[$0].shape })
    #expect(stored == inferred, comment, sourceLocation: sourceLocation)
    #expect(Set(other.nodes.map(\.name)).count == other.nodes.count, comment, sourceLocation: sourceLocation)
  }
}

extension Value {
  func conv(
    _ numbers: inout SeededNumbers, named name: String = "conv", _ options: Convolution = Convolution(),
    bias: Bool = true
  ) throws -> Value {
    let filter = try numbers.tensor([8, shape[3] / options.groups, 3, 3])
    return try Conv2D(name, filter: filter, bias: bias ? numbers.tensor([8]) : nil, options)(self)
  }

  func norm(_ numbers: inout SeededNumbers, named name: String = "norm") throws -> Value {
    let vector: Shape = [shape[shape.rank - 1]]
    return try BatchNorm(
      name, scale: numbers.tensor(vector), shift: numbers.tensor(vector), mean: numbers.tensor(vector),
      variance: numbers.tensor(vector, in: 0.5...2))(self)
  }
}
