import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@Suite struct OperationParityTests {
  @Test func theTableHoldsEveryOperation() throws {
    var kinds: Set<String> = []
    for row in try ParityTable.cases() {
      for node in row.graph.nodes { kinds.insert(node.operation.kind) }
    }
    #expect(kinds == Operation.kinds)
  }

  @Test func rowsHaveNamesOfTheirOwn() throws {
    let names = try ParityTable.cases().map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test func theReferenceAgreesWithItselfUpToRounding() throws {
    let results = try checkParity(of: ReferenceBackend(), tolerance: 6e-8)
    for result in results where !result.isWithinTolerance { Issue.record("\(result)") }
  }

  @Test func aWrongBackendFailsTheTable() throws {
    let results = try checkParity(of: CarelessBackend(), tolerance: 1e-5)
    #expect(results.contains { !$0.isWithinTolerance && $0.name.hasPrefix("convolution") })
    #expect(results.allSatisfy { !$0.isWithinTolerance })
  }

  @Test func theErrorIsRelativeToTheLargestResult() {
    #expect(normalizedError([1, 2.5], [1, 2]) == 0.25)
    #expect(normalizedError([0, 0], [0, 0]) == 0)
    #expect(normalizedError([1], [1, 2]) == .infinity)
    #expect(normalizedError([.nan], [1]) == .infinity)
    #expect(normalizedError([1], [.nan]) == .infinity)
    #expect(normalizedError([.nan, .infinity, 2], [.nan, .infinity, 2]) == 0)
    #expect(normalizedError([.infinity], [-.infinity]) == .infinity)
  }
}

/// Answers the reference's results with one element off by a thousandth of the largest.
private struct CarelessBackend: Backend {
  var name: String { "careless" }

  func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
    CarelessExecutable(reference: try ReferenceExecutable(graph))
  }
}

private struct CarelessExecutable: Executable {
  let reference: ReferenceExecutable
  var memory: MemoryUse { reference.memory }

  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    try reference.run(inputs).map { tensor in
      var elements = tensor.floats()
      let finite = elements.indices.filter { elements[$0].isFinite }
      let largest = finite.map { abs(elements[$0]) }.max() ?? 0
      if let index = finite.last { elements[index] += max(largest, 1e-20) / 1000 }
      return try Tensor(elements, shape: tensor.shape)
    }
  }
}
