import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@Suite struct OptimizedTests {
  private static let passes: [(name: String, run: @Sendable (Graph) throws -> Graph)] = [
    ("removingDeadNodes", { try $0.removingDeadNodes() }),
    ("removingIdentities", { try $0.removingIdentities() }),
    ("absorbingPadding", { try $0.absorbingPadding() }),
    ("foldingBatchNorm", { try $0.foldingBatchNorm() }),
    ("fusingBias", { try $0.fusingBias() }),
    ("fusingActivations", { try $0.fusingActivations() }),
    ("sharingConstants", { try $0.sharingConstants() }),
    ("optimized", { try $0.optimized() }),
  ]

  @Test func randomNetworksAnswerTheSameAfterEveryPass() throws {
    var fired: [String: Int] = [:]
    for seed in 0..<32 as Range<UInt64> {
      let before = try RandomNetwork.parityCase(seed: seed).graph
      for (name, run) in Self.passes {
        let after = try run(before)
        if after.steps.count < before.steps.count {
          fired[name, default: 0] += 1
          try before.expectSameResults(as: after, "\(name), seed \(seed)")
        }
      }
      try before.expectSameResults(as: before.optimized(), for: [[1, 9, 11, 4]], "another size, seed \(seed)")
    }
    for name in ["removingDeadNodes", "absorbingPadding", "foldingBatchNorm", "fusingBias", "fusingActivations"] {
      #expect(fired[name, default: 0] >= 5, "\(name) found too little in the random networks to prove anything")
    }
  }

  @Test func theWholeTableAnswersTheSame() throws {
    for row in try ParityTable.cases() where !row.name.hasPrefix("extremes") && !row.name.hasPrefix("random") {
      let optimized = try row.graph.optimized()
      let before = try ReferenceExecutable(row.graph).evaluate(row.inputs)
      let after = try ReferenceExecutable(optimized).run(row.inputs)
      for (a, b) in zip(after, before) { #expect(normalizedError(a.floats(), b.elements) < 1e-5, "\(row.name)") }
    }
  }

  @Test func aConvolutionWithEverythingAroundItBecomesOneNode() throws {
    let before = try graph { x, numbers in
      let y = try x.padded(.zero, Insets(1)).padded(.zero, Insets(2)).conv(&numbers, bias: false)
      let z = try y + x.builder.constant(numbers.tensor([8]), name: "a")
      let normed = try z.norm(&numbers, named: "n1").norm(&numbers, named: "n2")
      return [try (normed + x.builder.constant(numbers.tensor([1]), name: "b")).relu6()]
    }
    let after = try before.optimized()
    #expect(after.nodes.map(\.name) == ["x", "conv.weight", "conv.bias", "conv"])
    try before.expectSameResults(as: after)
  }

  @Test func aResidualBlockKeepsItsTwoPaths() throws {
    let before = try graph([1, 5, 6, 8]) { x, numbers in
      let y = try x.padded(.reflect, Insets(1)).conv(&numbers, named: "first").norm(&numbers, named: "n1").relu()
      let z = try y.padded(.reflect, Insets(1)).conv(&numbers, named: "second").norm(&numbers, named: "n2")
      return [try (x + z).relu()]
    }
    let after = try before.optimized()
    #expect(after.steps == ["convolution", "convolution", "add"])
    try before.expectSameResults(as: after)
  }

  @Test func optimisingTwiceChangesNothingMore() throws {
    for seed in 0..<24 as Range<UInt64> {
      let once = try RandomNetwork.parityCase(seed: seed).graph.optimized()
      let twice = try once.optimized()
      #expect(twice.nodes.map(\.name) == once.nodes.map(\.name))
      #expect(twice.steps == once.steps)
    }
  }

  @Test func outputsKeepTheirNamesAndOrder() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 2])
    let same = try x.reshaped(to: [0, -1])
    let y = try x.relu()
    let before = builder.graph(outputs: [("second", y), ("identity", same), ("input", x), ("again", y)])
    let after = try before.optimized()
    #expect(after.outputs.map(\.name) == ["second", "identity", "input", "again"])
    try before.expectSameResults(as: after)
  }
}
