import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct DeterminismTests {
  @Test(
    "results are the same bits on any number of threads",
    arguments: InstructionSet.available, MatrixLibrary.allCases)
  func sameOnAnyNumberOfThreads(_ instructionSet: InstructionSet, _ library: MatrixLibrary) throws {
    let row = try TestNetwork.parityCase(batch: 2)
    for precision in [Precision.float32, .bfloat16] {
      let results = try [1, 2, 3, 7].map { threads in
        try CPUBackend(threads: threads, instructionSet: instructionSet, library: library)
          .compile(row.graph, options: CompileOptions(precision: precision)).run(row.inputs).map { $0.floats() }
      }
      for result in results.dropFirst() { #expect(result == results[0]) }
    }
  }

  @Test("fewer threads for one executable change no bit")
  func sameWithThreadOption() throws {
    let row = try TestNetwork.parityCase(batch: 1)
    let backend = try CPUBackend(threads: 4)
    let all = try backend.compile(row.graph, options: CompileOptions()).run(row.inputs)
    let one = try backend.compile(row.graph, options: CompileOptions(threads: 1)).run(row.inputs)
    #expect(all.map { $0.floats() } == one.map { $0.floats() })
  }

  @Test(
    "an item of a batch has the same bits as alone", arguments: InstructionSet.available, MatrixLibrary.allCases)
  func sameInBatch(_ instructionSet: InstructionSet, _ library: MatrixLibrary) throws {
    let row = try TestNetwork.parityCase(batch: 3)
    for precision in [Precision.float32, .bfloat16] {
      let executable = try CPUBackend(threads: 2, instructionSet: instructionSet, library: library)
        .compile(row.graph, options: CompileOptions(precision: precision))
      let together = try executable.run(row.inputs).map { $0.floats() }
      let items = row.inputs[0].floats()
      let itemSize = items.count / 3
      for item in 0..<3 {
        let input = try Tensor(Array(items[item * itemSize..<(item + 1) * itemSize]), shape: TestNetwork.shape)
        let alone = try executable.run([input]).map { $0.floats() }
        for (all, one) in zip(together, alone) {
          #expect(Array(all[item * one.count..<(item + 1) * one.count]) == one)
        }
      }
    }
  }

  @Test("a batch whose items are computed each by itself has the bits of its items, whatever the threads")
  func sameByItem() throws {
    var numbers = SeededNumbers(seed: "items")
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 40, 30, 16])
    let y = try Conv2D("conv", filter: numbers.tensor([32, 16, 3, 3]), Convolution(padding: .same, activation: .relu))(
      x)
    let means = try y.globalAveragePooled().flattened()
    let graph = builder.graph(outputs: [
      ("picture", try y.pooled(Pool(.maximum, window: Extent(2), stride: Extent(2)))), ("means", means),
    ])
    let input = try numbers.tensor([5, 40, 30, 16])
    let values = input.floats()
    let items = try (0..<5).map { item in
      try Tensor(Array(values[item * values.count / 5..<(item + 1) * values.count / 5]), shape: [1, 40, 30, 16])
    }
    for threads in [1, 2, 3, 8] {
      let executable = try #require(
        try CPUBackend(threads: threads).compile(graph, options: CompileOptions()) as? CPUExecutable)
      let together = try executable.run([input])
      #expect(together.map { $0.shape[0] } == [5, 5])
      // One plan, for one item.
      #expect(executable.plannedInputs == [[[1, 40, 30, 16]]])
      let alone = try items.map { try executable.run([$0]) }
      for output in 0..<2 { #expect(together[output].floats() == alone.flatMap { $0[output].floats() }) }
      let steps = try executable.profile([input])
      let one = try executable.profile([items[0]])
      #expect(steps.map(\.operations) == one.map { 5 * $0.operations })
    }
  }

  @Test("a network of which the weights are most is computed for a whole batch at once")
  func wholeBatch() throws {
    var numbers = SeededNumbers(seed: "whole")
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 1, 1, 64])
    let y = try Conv2D("conv", filter: numbers.tensor([64, 64, 1, 1]))(x)
    let graph = builder.graph(outputs: [("y", y)])
    let executable = try #require(
      try CPUBackend(threads: 2).compile(graph, options: CompileOptions()) as? CPUExecutable)
    _ = try executable.run([Tensor.zeros(shape: [6, 1, 1, 64])])
    #expect(executable.plannedInputs == [[[6, 1, 1, 64]]])
  }

  @Test("calls of one executable from several threads do not disturb each other")
  func concurrentCalls() async throws {
    let graph = try TestNetwork.graph()
    let executable = try CPUBackend(threads: 3).compile(graph, options: CompileOptions())
    var numbers = SeededNumbers(seed: 7)
    let inputs = try (0..<4).map { _ in try numbers.tensor(TestNetwork.shape) }
    let expected = try inputs.map { try executable.run([$0]).map { $0.floats() } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<8 {
        group.addTask {
          for round in 0..<5 {
            let index = (worker + round) % inputs.count
            let result = try executable.run([inputs[index]]).map { $0.floats() }
            #expect(result == expected[index])
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
