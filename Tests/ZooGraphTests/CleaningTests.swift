import Testing
import ZooGraph
import ZooTensor

@Suite struct RemovingDeadNodesTests {
  @Test func dropsWhatReachesNoOutputAndKeepsInputs() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [2])
    _ = try builder.input("unused", shape: [3])
    _ = try x.sigmoid().tanh()
    let before = builder.graph(outputs: [("y", try x.relu())])
    let after = try before.removingDeadNodes()
    #expect(after.nodes.map(\.name) == ["x", "unused", "relu"])
    #expect(after.inputs == [0, 1])
    try before.expectSameResults(as: after)
  }

  @Test func aGraphWhoseShapesDoNotFitIsReported() throws {
    let filter = try Tensor.zeros(shape: [8, 3, 3, 3])
    let broken = Graph(
      nodes: [
        Graph.Node(name: "x", operation: .input, inputs: [], shape: [1, 5, 5, 4]),
        Graph.Node(name: "w", operation: .constant(filter), inputs: [], shape: filter.shape),
        Graph.Node(name: "conv", operation: .convolution(Convolution()), inputs: [0, 1], shape: [1, 3, 3, 8]),
      ], inputs: [0], outputs: [Graph.Output(name: "y", node: 2)])
    let error = #expect(throws: GraphError.self) { try broken.optimized() }
    #expect(error?.layer == "conv")
  }
}

@Suite struct RemovingIdentityTests {
  @Test func dropsNodesThatGiveBackWhatTheyGet() throws {
    let before = try graph { x, _ in
      var y = try x.padded(.reflect, .zero).reshaped(to: [0, 0, -1, 0]).flattened(from: 3).resized(.bilinear, scale: 1)
      y = try y.pooled(Pool(.maximum, window: Extent(1), stride: Extent(1))).concatenated(with: [], axis: 2)
      return [y]
    }
    let after = try before.removingIdentities()
    #expect(after.steps.isEmpty)
    #expect(after.outputs.map(\.node) == after.inputs)
    try before.expectSameResults(as: after)
  }

  @Test func keepsNodesThatOnlyHappenToFit() throws {
    let before = try graph { x, _ in
      let y = try x.reshaped(to: [1, 5, 6, 4]).reshaped(to: [-1, 5, 6, 4]).padded(.zero, Insets(1)).flattened(from: 2)
      return [try y.reshaped(to: [0, 0, -1, 1]).pooled(Pool(.maximum, window: Extent(1), stride: Extent(2)))]
    }
    #expect(try before.removingIdentities().steps == before.steps)
  }
}

@Suite struct SharingConstantsTests {
  @Test func mergesViewsOfTheSameMemory() throws {
    let weight = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let before = try graph([3, 2]) { x, _ in
      let first = try Linear("first", weight: weight)(x)
      return [try Linear("second", weight: weight)(first)]
    }
    let after = try before.sharingConstants()
    #expect(after.nodes.map(\.name) == ["x", "first.weight", "first", "second"])
    try before.expectSameResults(as: after)
  }

  @Test func keepsApartWhatDiffersInShapeOrMemory() throws {
    let elements: [Float] = [1, 2, 3, 4]
    let square = try Tensor(elements, shape: [2, 2])
    let before = try graph([2, 2]) { x, _ in
      var y = try x + x.builder.constant(square, name: "a")
      y = try y + x.builder.constant(Tensor(elements, shape: [2, 2]), name: "b")
      return [try y + x.builder.constant(square.reshaped(to: [2, 1, 2]), name: "c")]
    }
    #expect(try before.sharingConstants().nodes.count == before.nodes.count)
  }
}
