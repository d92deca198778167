import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct CPUBackendTests {
  private func identity() throws -> Graph {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 4])
    return builder.graph(outputs: [("y", try x.relu())])
  }

  private final class Owner {}

  private func code(of body: () throws -> Void) -> BackendError.Code? {
    do {
      try body()
      return nil
    } catch let error as BackendError {
      return error.code
    } catch {
      Issue.record("threw \(error)")
      return nil
    }
  }

  @Test("a profile has every step, and counts what its operation is defined to do")
  func profilesSteps() throws {
    let executable = try #require(
      try CPUBackend(threads: 2).compile(TestNetwork.graph(), options: CompileOptions()) as? CPUExecutable)
    let steps = try executable.profile([Tensor.zeros(shape: TestNetwork.shape)])
    let linear = try #require(steps.first { $0.name == "head" })
    #expect(linear.operations == 2 * 1000 * 40)
    // Input, weights, bias and result.
    #expect(linear.bytes == 4 * (40 + 40_000 + 1000 + 1000))
    #expect(steps.allSatisfy { $0.seconds > 0 && !$0.algorithm.isEmpty })
    #expect(Set(["stem", "depthwise", "pointwise", "up"]).isSubset(of: Set(steps.map(\.name))))
  }

  @Test("every instruction set has a speed of its own")
  func measuresPeaks() throws {
    for set in InstructionSet.available {
      let peak = try CPUBackend(threads: 1, instructionSet: set).measurePeak()
      #expect(peak.isFinite && peak > 0)
    }
  }

  @Test("instruction sets of other processors are refused, and there are some")
  func refusesForeignInstructions() throws {
    let foreign = InstructionSet.allCases.filter { !$0.isAvailable }
    #expect(!foreign.isEmpty)
    for set in foreign {
      let error = #expect(throws: BackendError.self) { try CPUBackend(threads: 1, instructionSet: set) }
      #expect(error?.code == .unavailable)
    }
  }

  @Test("plans are kept for the most recently used shapes")
  func plansAreBounded() throws {
    let executable = try #require(
      try CPUBackend(threads: 1).compile(identity(), options: CompileOptions()) as? CPUExecutable)
    func run(_ batch: Int) throws { _ = try executable.run([Tensor.zeros(shape: Shape([batch, 4]))]) }
    for batch in 1...CPUExecutable.maximumPlanCount { try run(batch) }
    try run(1)
    try run(100)
    let batches = executable.plannedInputs.map { $0[0][0] }
    #expect(batches == Array(3...CPUExecutable.maximumPlanCount) + [1, 100])
  }

  @Test("planned shapes are planned when the network is compiled")
  func plansAhead() throws {
    let options = CompileOptions(plannedShapes: [[[2, 4]], [[3, 4]]])
    let executable = try #require(
      try CPUBackend(threads: 1).compile(identity(), options: options) as? CPUExecutable)
    #expect(executable.plannedInputs == [[[2, 4]], [[3, 4]]])
  }

  @Test("weights are counted once, activations as they are allocated")
  func memoryIsCounted() throws {
    let executable = try CPUBackend(threads: 2).compile(TestNetwork.graph(), options: CompileOptions())
    let before = executable.memory
    let parameters = try TestNetwork.graph().parameterCount
    #expect(before.weights >= parameters * 4)
    #expect(before.weights < parameters * 8)
    #expect(before.activations == 0)
    _ = try executable.run(try TestNetwork.parityCase(batch: 1).inputs)
    _ = try executable.run(try TestNetwork.parityCase(batch: 2).inputs)
    #expect(executable.memory.weights == before.weights)
    #expect(executable.memory.activations > 0)
  }

  @Test("what needs more memory than is allowed is refused")
  func memoryLimit() throws {
    let executable = try CPUBackend(threads: 1, memoryLimit: 1 << 20).compile(identity(), options: CompileOptions())
    _ = try executable.run([Tensor.zeros(shape: [1000, 4])])
    #expect(code(of: { _ = try executable.run([Tensor.zeros(shape: [100_000, 4])]) }) == .outOfMemory)
  }

  @Test("a window whose table would take more memory than anything else is refused")
  func hugeWindows() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 64, 1, 1])
    let y = try Conv2D("conv", filter: .zeros(shape: [1, 1, 64, 1]))(x)
    let executable = try CPUBackend(threads: 1)
      .compile(builder.graph(outputs: [("y", y)]), options: CompileOptions())
    #expect(code(of: { _ = try executable.run([.zeros(shape: [1, 1 << 21, 1, 1])]) }) == .outOfMemory)
  }

  @Test("inputs that do not fit are refused")
  func wrongInputs() throws {
    let executable = try CPUBackend(threads: 1).compile(identity(), options: CompileOptions())
    #expect(code(of: { _ = try executable.run([]) }) == .invalidInput)
    #expect(code(of: { _ = try executable.run([Tensor.zeros(.float16, shape: [1, 4])]) }) == .invalidInput)
    #expect(code(of: { _ = try executable.run([Tensor.zeros(shape: [0, 4])]) }) == .invalidInput)
  }

  @Test("weights that are computed or not of a floating-point type are refused")
  func wrongWeights() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [2, 3])
    let weight = try builder.input("weight", shape: [4, 3])
    let y = try builder.apply(.linear(activation: nil), to: [x, weight], name: "linear")
    let graph = builder.graph(outputs: [("y", y)])
    #expect(code(of: { _ = try CPUBackend(threads: 1).compile(graph, options: CompileOptions()) }) == .unsupported)

    let other = GraphBuilder()
    let z = try Linear("linear", weight: Tensor.zeros(.int8, shape: [4, 3]))(other.input("x", shape: [2, 3]))
    let integers = other.graph(outputs: [("y", z)])
    #expect(code(of: { _ = try CPUBackend(threads: 1).compile(integers, options: CompileOptions()) }) == .unsupported)
  }

  @Test("half-precision weights are widened")
  func halfWeights() throws {
    let builder = GraphBuilder()
    let weight = try Tensor([1, 2, 3, 4, 5, 6] as [Float16], shape: [2, 3])
    let y = try Linear("linear", weight: weight)(builder.input("x", shape: [1, 3]))
    let executable = try CPUBackend(threads: 1)
      .compile(builder.graph(outputs: [("y", y)]), options: CompileOptions())
    #expect(try executable.run([Tensor([1, 10, 100] as [Float], shape: [1, 3])])[0].floats() == [321, 654])
  }

  @Test("an input that is not aligned is read all the same")
  func unalignedInput() throws {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 17, alignment: 16)
    defer { bytes.deallocate() }
    for (index, value) in [-1, 2, -3, 4].enumerated() {
      bytes.storeBytes(of: Float(value), toByteOffset: 1 + 4 * index, as: Float.self)
    }
    let storage = TensorStorage(borrowing: UnsafeRawBufferPointer(bytes), owner: Owner())
    let input = try Tensor(.float32, shape: [1, 4], storage: storage, byteOffset: 1)
    let executable = try CPUBackend(threads: 1).compile(identity(), options: CompileOptions())
    #expect(try executable.run([input])[0].floats() == [0, 2, 0, 4])
  }

  @Test("a NaN reaches exactly the results that depend on it", arguments: InstructionSet.available)
  func notANumber(_ instructionSet: InstructionSet) throws {
    let row = try TestNetwork.parityCase(batch: 2)
    var elements = row.inputs[0].floats()
    // In the second picture.
    elements[elements.count - 1] = .nan
    let results = try CPUBackend(threads: 2, instructionSet: instructionSet)
      .compile(row.graph, options: CompileOptions()).run([Tensor(elements, shape: row.inputs[0].shape)])
    for result in results {
      let floats = result.floats()
      let half = floats.count / 2
      #expect(floats[..<half].allSatisfy { $0.isFinite })
      #expect(floats[half...].allSatisfy { $0.isNaN })
    }
  }
}
