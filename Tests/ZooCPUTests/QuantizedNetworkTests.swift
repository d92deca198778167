import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct QuantizedNetworkTests {
  private func int8(_ graph: Graph, on inputs: [Tensor]) throws -> CompileOptions {
    CompileOptions(precision: .int8(try Calibration(of: graph, on: [inputs], by: CPUBackend(threads: 2))))
  }

  /// Everything in it is computed in bytes, from the first conversion to the last layer.
  private func graph() throws -> Graph {
    var numbers = SeededNumbers(seed: "bytes")
    func weights(_ shape: Shape) throws -> Tensor {
      let bound = 1.7 / Float(shape.elementCount / shape[0]).squareRoot()
      return try numbers.tensor(shape, in: -bound...bound)
    }
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 33, 29, 3])
    var y = try Conv2D(
      "stem", filter: weights([40, 3, 3, 3]), bias: weights([40]),
      Convolution(stride: Extent(2), padding: .explicit(Insets(1)), activation: .relu6))(x)
    y = try y.pooled(Pool(.maximum, window: Extent(3), stride: Extent(2), padding: Insets(1)))
    let wide = try Conv2D("wide", filter: weights([96, 40, 1, 1]), Convolution(activation: .relu))(y)
    let deep = try Conv2D(
      "depthwise", filter: weights([96, 1, 5, 5]), bias: weights([96]), Convolution(groups: 96, padding: .same))(wide)
    let left = try Conv2D("left", filter: weights([48, 96, 3, 3]), Convolution(padding: .same))(deep)
    let right = try Conv2D("right", filter: weights([48, 40, 1, 1]), bias: weights([48]))(y)
    y = try (left + right).relu()
    // What both convolutions give is needed elsewhere too, so nothing is worked into them.
    let again = try Conv2D("again", filter: weights([48, 48, 1, 1]), Convolution(activation: .relu))(y)
    y = try (again + y) + again
    return builder.graph(outputs: [
      (
        "classes",
        try Linear("head", weight: weights([10, 48]), bias: weights([10]))(y.globalAveragePooled().flattened())
      )
    ])
  }

  private func input(_ count: Int) throws -> Tensor {
    var numbers = SeededNumbers(seed: "pictures")
    return try numbers.tensor(Shape([count, 33, 29, 3]))
  }

  @Test("a network of bytes is near the one of floats, and no layer of it stays in floats")
  func isNear() throws {
    let graph = try graph()
    let input = try input(2)
    let row = ParityCase("bytes", graph: graph, inputs: [input])
    let options = try int8(graph, on: [input])
    let backend = try CPUBackend(threads: 3)
    let result = row.check(backend, tolerance: 0.05, options: options)
    #expect(result.isWithinTolerance, "\(result)")
    let executable = try #require(try backend.compile(graph, options: options) as? CPUExecutable)
    let steps = try executable.profile([input])
    let floats = steps.filter { !$0.algorithm.hasPrefix("int8") }
    // The input, and what the linear layer reads: the mean is taken in floats.
    #expect(floats.map(\.algorithm) == ["quantise", "quantise"])
    // Both additions behind `again`, since its result has two readers; not the one of `left` and `right`.
    #expect(steps.count { $0.algorithm == "int8 element-wise" } == 2)
    let exact = try backend.compile(graph, options: CompileOptions())
    #expect(executable.memory.weights < exact.memory.weights / 2)
  }

  @Test("it has the same bits with every instruction set, on any number of threads and alone as in a batch")
  func isDeterministic() throws {
    let graph = try graph()
    let input = try input(3)
    let options = try int8(graph, on: [input])
    var results: [[Float]] = []
    for set in InstructionSet.available {
      for threads in [1, 3] {
        let backend = try CPUBackend(threads: threads, instructionSet: set)
        results.append(try backend.compile(graph, options: options).run([input])[0].floats())
      }
    }
    for result in results { #expect(result == results[0]) }
    let values = input.floats()
    let executable = try CPUBackend(threads: 2).compile(graph, options: options)
    for item in 0..<3 {
      let size = values.count / 3
      let alone = try Tensor(Array(values[item * size..<(item + 1) * size]), shape: [1, 33, 29, 3])
      #expect(try executable.run([alone])[0].floats() == Array(results[0][item * 10..<(item + 1) * 10]))
    }
  }

  /// The windows of one picture are copied once for all columns, those of six block by block.
  @Test("few deep windows give the same bits as many", arguments: [1, 3])
  func fewDeepWindows(threads: Int) throws {
    var numbers = SeededNumbers(seed: "deep")
    // No multiple of 16 channels, which Winograd's algorithm would take.
    let filter = try numbers.tensor([256, 280, 3, 3], in: -0.03...0.03)
    let input = try numbers.tensor([6, 7, 7, 280])
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 7, 7, 280])
    // With so many weights behind it a batch is one product.
    let classes = try Linear("classes", weight: numbers.tensor([400, 7 * 7 * 256], in: -0.01...0.01), bias: nil)
    let deep = try Conv2D("deep", filter: filter, Convolution(padding: .same))(x)
    let graph = builder.graph(outputs: [("y", try classes(deep.flattened()))])
    #expect(Blocking(rows: 49, columns: 256, depth: 2520, sharesRows: true).isByColumns)
    #expect(!Blocking(rows: 6 * 49, columns: 256, depth: 2520, sharesRows: true).isByColumns)
    let options = try int8(graph, on: [input])
    let backend = try CPUBackend(threads: threads)
    let result = ParityCase("deep", graph: graph, inputs: [input]).check(backend, tolerance: 0.05, options: options)
    #expect(result.isWithinTolerance, "\(result)")
    let executable = try backend.compile(graph, options: options)
    #expect(!Network.separatesItems(graph, weightBytes: executable.memory.weights))
    let together = try executable.run([input])[0].floats()
    let (size, values) = (7 * 7 * 280, input.floats())
    for item in 0..<6 {
      let alone = try Tensor(Array(values[item * size..<(item + 1) * size]), shape: [1, 7, 7, 280])
      #expect(try executable.run([alone])[0].floats() == Array(together[item * 400..<(item + 1) * 400]))
    }
  }

  /// A convolution in 8 bits, by an algorithm that is given.
  private func run(
    _ graph: Graph, _ algorithm: ConvolutionAlgorithm, _ input: Tensor, threads: Int, _ set: InstructionSet,
    _ options: CompileOptions
  ) throws -> (algorithm: String, isTogether: Bool, result: [Float]) {
    let convolution = try #require(graph.nodes.firstIndex { $0.operation.kind == "convolution" })
    guard case .int8(let calibration) = options.precision else { throw CancellationError() }
    let pool = ThreadPool(threads: threads)
    let packer = WeightPacker(
      quantization: try Quantization(of: graph, calibration), kernels: .packed, instructions: set)
    let network = try Network(graph, packer, [convolution: algorithm], pool: pool, threads: threads)
    let planner = Planner(
      network: network, library: .packed, instructions: set, threads: threads, concurrentCalls: 1, memoryLimit: .max)
    let executable = CPUExecutable(planner: planner, pool: pool)
    return (
      try executable.profile([input])[1].algorithm, !network.separatesItems, try executable.run([input])[0].floats()
    )
  }

  struct Picture: Sendable, CustomStringConvertible {
    var height, width, inputs, outputs: Int
    var padding = PaddingMode.zero
    /// Whether there are so many weights behind it that a batch is computed at once.
    var isTogether = false
    /// Whether the transforms keep all sums that there may be.
    var isExact = true

    var description: String { "\(height)×\(width), \(inputs) to \(outputs), \(padding), \(isTogether), \(isExact)" }
  }

  @Test(
    "Winograd's algorithm gives the bytes of plain sums, on any number of threads and with every instruction set",
    arguments: [
      Picture(height: 28, width: 28, inputs: 32, outputs: 48), Picture(height: 1, width: 1, inputs: 16, outputs: 16),
      Picture(height: 7, width: 5, inputs: 128, outputs: 32, padding: .reflect),
      Picture(height: 7, width: 10, inputs: 48, outputs: 48, isTogether: true),
      Picture(height: 61, width: 45, inputs: 16, outputs: 80, padding: .replicate),
      Picture(height: 14, width: 14, inputs: 48, outputs: 48),
      // More than a block of transformed tiles.
      Picture(height: 200, width: 190, inputs: 32, outputs: 16),
      Picture(height: 9, width: 9, inputs: 256, outputs: 32, isExact: false),
    ])
  func winogradIsExact(_ picture: Picture) throws {
    var numbers = SeededNumbers(seed: "\(picture)")
    let (height, width, inputs, outputs) = (picture.height, picture.width, picture.inputs, picture.outputs)
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, height, width, inputs])
    // If all weights are as large as the largest, and of one sign, sums are too large for the transforms.
    let filter = try numbers.tensor([outputs, inputs, 3, 3], in: picture.isExact ? -0.1...0.1 : 0.0999...0.1)
    var y = try Conv2D(
      "conv", filter: filter, bias: numbers.tensor([outputs]),
      Convolution(padding: .explicit(Insets(1)), paddingMode: picture.padding))(x)
    // Added on the way out, or not; and bytes, which something reads that is no convolution.
    if inputs == outputs { y = try (y + x).relu() }
    y = try y.pooled(Pool(.maximum, window: Extent(min(height, 2)), stride: Extent(1)))
    if picture.isTogether {
      let last = try Linear("last", weight: numbers.tensor([1000, 6 * 9 * outputs], in: -0.01...0.01), bias: nil)
      y = try last(y.flattened())
    }
    let graph = try builder.graph(outputs: [("y", y)]).optimized()
    let input = try numbers.tensor([3, height, width, inputs], in: -0.3...1)
    let options = try int8(graph, on: [input])
    let expected = try run(graph, .im2col, input, threads: 1, .plain, options)
    #expect(expected.algorithm == "int8 im2col" && (expected.isTogether || !picture.isTogether))
    let first = try Tensor(Array(input.floats().prefix(height * width * inputs)), shape: [1, height, width, inputs])
    for set in InstructionSet.available {
      for threads in [1, 2, 3] {
        let results = try [input, first].map {
          try run(graph, .winograd(.four), $0, threads: threads, set, options)
        }
        #expect(results[0].algorithm == (picture.isExact ? "int8 winograd 4×4" : "int8 im2col"))
        #expect(results[0].result == expected.result, "\(set), \(threads) threads")
        #expect(
          results[1].result[...] == expected.result.prefix(expected.result.count / 3), "\(set), \(threads) threads")
      }
    }
  }

  @Test("every operation by itself is near the reference in 8 bits", arguments: InstructionSet.available)
  func operationsAreNear(_ instructionSet: InstructionSet) throws {
    let backend = try CPUBackend(threads: 2, instructionSet: instructionSet)
    var kinds: [String: Int] = [:]
    for row in try ParityTable.cases() {
      let steps = try row.graph.optimized().nodes.map(\.operation.kind).filter { $0 != "input" && $0 != "constant" }
      // Numbers that are not finite have no range, and denormal ones no scale.
      let numbers = row.inputs.flatMap { $0.floats() }
      guard steps.count == 1, numbers.allSatisfy(\.isFinite), numbers.contains(where: { abs($0) > 1e-30 }) else {
        continue
      }
      let result = row.check(backend, tolerance: 0.03, options: try int8(row.graph, on: row.inputs))
      #expect(result.isWithinTolerance, "\(result)")
      kinds[steps[0], default: 0] += 1
    }
    #expect(kinds["convolution"] ?? 0 >= 10 && kinds["linear"] ?? 0 >= 2, "\(kinds)")
  }

  @Test("what cannot be done in 8 bits is done in floats between conversions")
  func mixes() throws {
    let row = try TestNetwork.parityCase(batch: 2)
    let options = try int8(row.graph, on: row.inputs)
    let result = row.check(try CPUBackend(threads: 3), tolerance: 0.1, options: options)
    #expect(result.isWithinTolerance, "\(result)")
  }

  @Test("a calibration of another network, or on what is not finite, is refused")
  func refuses() throws {
    let graph = try graph()
    let backend = try CPUBackend(threads: 1)
    #expect(throws: BackendError.self) {
      try backend.compile(graph, options: CompileOptions(precision: .int8(Calibration(ranges: [:]))))
    }
    #expect(throws: BackendError.self) {
      try int8(graph, on: [Tensor(Array(repeating: Float.nan, count: 33 * 29 * 3), shape: [1, 33, 29, 3])])
    }
    #expect(throws: BackendError.self) { try Calibration(of: graph, on: [], by: backend) }
    let options = try int8(graph, on: [input(1)])
    #expect(throws: BackendError.self) { try ReferenceBackend().compile(graph, options: options) }
  }

  @Test("layers of bytes are measured as such, and so are those that stay in floats")
  func measures() throws {
    var numbers = SeededNumbers(seed: "measured")
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 20, 20, 16])
    let y = try Conv2D(
      "conv", filter: numbers.tensor([16, 16, 3, 3]), bias: numbers.tensor([16]), Convolution(padding: .same))(x).relu()
    // Alone, it stands where the convolution does in the whole graph.
    let up = try ConvTranspose2D(
      "up", filter: numbers.tensor([16, 16, 3, 3]), bias: numbers.tensor([16]),
      TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1)))(y)
    let graph = builder.graph(outputs: [("y", up)])
    let input = try numbers.tensor([1, 20, 20, 16])
    var options = try int8(graph, on: [input])
    let tuning = Tuning(measures: true)
    options.tuning = tuning
    let executable = try CPUBackend(threads: 2).compile(graph, options: options)
    let layers = tuning.choices.keys.sorted { $0.contains("bytes") && !$1.contains("bytes") }
    #expect(layers.count == 2 && layers[0].contains("bytes") && layers[1].contains("transposed"))
    _ = try executable.run([input])
    for (choice, algorithm) in [("im2col", "int8 im2col"), ("winograd F(4×4)", "int8 winograd 4×4")] {
      options.tuning = Tuning([layers[0]: choice])
      let chosen = try #require(try CPUBackend(threads: 2).compile(graph, options: options) as? CPUExecutable)
      #expect(try chosen.profile([input]).contains { $0.algorithm == algorithm })
    }
  }
}
