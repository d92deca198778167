import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct WinogradTests {
  private func algorithm(
    _ options: Convolution, _ filter: Shape, output: Shape, _ kernels: ProductKernels = .packed
  ) -> ConvolutionAlgorithm {
    ConvolutionAlgorithm(for: options, filter: filter, output: output, kernels)
  }

  @Test("Winograd is chosen for 3×3 convolutions with many channels and pixels, and for no others")
  func choice() {
    let large: Shape = [1, 64, 64, 64]
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: large) == .winograd(.six))
    #expect(algorithm(Convolution(), [256, 256, 3, 3], output: [1, 14, 14, 256]) == .winograd(.four))
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: [1, 7, 7, 64]) == .im2col)
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: large, .bfloat16) == .winograd(.four))
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: [1, 7, 7, 64], .bfloat16) == .winograd(.two))
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: [1, 5, 5, 64], .bfloat16) == .im2col)
    #expect(algorithm(Convolution(), [64, 16, 3, 3], output: large) == .direct)
    #expect(algorithm(Convolution(), [64, 40, 3, 3], output: large) == .direct)
    #expect(algorithm(Convolution(), [64, 64, 5, 5], output: large) == .direct)
    #expect(
      algorithm(Convolution(stride: Extent(2)), [128, 64, 3, 3], output: [1, 128, 128, 128]) == .winograd(.down))
    #expect(algorithm(Convolution(stride: Extent(2)), [128, 64, 3, 3], output: [1, 14, 14, 128]) == .im2col)
    #expect(
      algorithm(Convolution(stride: Extent(2)), [128, 64, 3, 3], output: [1, 128, 128, 128], .bfloat16) == .im2col)
    #expect(algorithm(Convolution(stride: Extent(height: 1, width: 2)), [128, 64, 3, 3], output: large) == .im2col)
    #expect(algorithm(Convolution(dilation: Extent(2)), [64, 64, 3, 3], output: large) == .im2col)
    #expect(algorithm(Convolution(groups: 2), [64, 32, 3, 3], output: large) == .im2col)
  }

  @Test(
    "Winograd is chosen for transposed 3×3 convolutions with stride 2 and many channels and pixels, and for no others")
  func choiceTransposed() {
    func algorithm(
      _ options: TransposedConvolution, _ filter: Shape, input: Shape = [1, 64, 64, 128],
      _ kernels: ProductKernels = .packed
    ) -> ConvolutionAlgorithm {
      ConvolutionAlgorithm(for: options, filter: filter, input: input, kernels)
    }
    let usual = TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1))
    #expect(algorithm(usual, [128, 64, 3, 3]) == .winograd(.up))
    #expect(algorithm(usual, [128, 64, 3, 3], .openBLAS) == .winograd(.up))
    #expect(algorithm(usual, [128, 64, 3, 3], .bfloat16) == .im2col)
    #expect(algorithm(usual, [128, 64, 3, 3], input: [1, 4, 4, 128]) == .direct)
    #expect(algorithm(usual, [128, 64, 4, 4]) == .direct)
    #expect(algorithm(usual, [128, 24, 3, 3]) == .direct)
    #expect(algorithm(TransposedConvolution(stride: Extent(2)), [128, 64, 3, 3]) == .direct)
    // What the algorithm cannot do is no alternative either.
    var others = [usual, usual, usual, usual]
    others[0].groups = 2
    others[1].dilation = Extent(2)
    others[2].stride = Extent(height: 2, width: 1)
    others[3].padding = Extent(height: 1, width: 0)
    for options in others {
      let alternatives = ConvolutionAlgorithm.alternatives(for: options, filter: [128, 64, 3, 3], .packed)
      #expect(!alternatives.contains(.winograd(.up)), "\(options)")
    }
    #expect(ConvolutionAlgorithm.alternatives(for: usual, filter: [128, 64, 3, 3], .packed).contains(.winograd(.up)))
  }

  @Test(
    "Winograd agrees with the reference for every padding and remainder of tiles",
    arguments: InstructionSet.available, MatrixLibrary.allCases)
  func agreesWithReference(_ instructionSet: InstructionSet, _ library: MatrixLibrary) throws {
    let backend = try CPUBackend(threads: 3, instructionSet: instructionSet, library: library)
    let uneven = Insets(top: 2, bottom: 0, leading: 1, trailing: 3)
    let rows: [(size: (Int, Int), Padding, PaddingMode, Activation?)] = [
      ((24, 24), .explicit(.zero), .zero, nil),
      ((25, 26), .explicit(Insets(1)), .zero, .relu),
      ((27, 23), .explicit(Insets(1)), .reflect, nil),
      ((22, 29), .explicit(uneven), .replicate, .sigmoid),
      ((24, 21), .explicit(uneven), .reflect, nil),
      ((21, 24), .same, .zero, .relu6),
      ((23, 22), .explicit(Insets(5)), .replicate, nil),
      ((26, 27), .explicit(Insets(4)), .reflect, nil),
    ]
    for (index, row) in rows.enumerated() {
      var numbers = SeededNumbers(seed: UInt64(index))
      let input = try Shape([2, row.size.0, row.size.1, 48])
      let builder = GraphBuilder()
      let conv = Conv2D(
        "conv", filter: try numbers.tensor([32, 48, 3, 3], in: -0.1...0.1),
        bias: index % 2 == 0 ? try numbers.tensor([32]) : nil,
        Convolution(padding: row.1, paddingMode: row.2, activation: row.3))
      let y = try conv(builder.input("x", shape: input))
      guard case .winograd = algorithm(conv.options, conv.filter.shape, output: y.shape) else {
        Issue.record("\(row) is no case for Winograd")
        continue
      }
      let parity = ParityCase(
        "winograd \(row)", graph: builder.graph(outputs: [("y", y)]), inputs: [try numbers.tensor(input)])
      // F(6×6) is a little less exact.
      let result = parity.check(backend, tolerance: 3e-5)
      #expect(result.isWithinTolerance, "\(result)")
      // A sum of 432 products of numbers rounded to bfloat16 would be off by as much.
      let half = parity.check(backend, tolerance: 2e-3, options: CompileOptions(precision: .bfloat16))
      #expect(half.isWithinTolerance, "\(half)")
    }
  }

  @Test(
    "Winograd with stride 2 agrees with the reference, to and fro",
    arguments: InstructionSet.available, MatrixLibrary.allCases)
  func agreesWithReferenceStrided(_ instructionSet: InstructionSet, _ library: MatrixLibrary) throws {
    let backend = try CPUBackend(threads: 3, instructionSet: instructionSet, library: library)
    let uneven = Insets(top: 2, bottom: 0, leading: 1, trailing: 3)
    let rows: [(size: (Int, Int), Padding, PaddingMode, Activation?)] = [
      ((17, 18), .explicit(.zero), .zero, nil),
      ((24, 10), .explicit(Insets(1)), .zero, .relu),
      ((15, 23), .explicit(uneven), .reflect, .sigmoid),
      ((22, 17), .same, .zero, .relu6),
      ((14, 26), .explicit(Insets(3)), .replicate, nil),
    ]
    for (index, row) in rows.enumerated() {
      var numbers = SeededNumbers(seed: UInt64(index))
      let input = try Shape([2, row.size.0, row.size.1, 32])
      let builder = GraphBuilder()
      let down = Conv2D(
        "down", filter: try numbers.tensor([48, 32, 3, 3], in: -0.1...0.1), bias: try numbers.tensor([48]),
        Convolution(stride: Extent(2), padding: row.1, paddingMode: row.2, activation: row.3))
      let up = ConvTranspose2D(
        "up", filter: try numbers.tensor([48, 16, 3, 3], in: -0.1...0.1),
        bias: index % 2 == 0 ? try numbers.tensor([16]) : nil,
        TransposedConvolution(
          stride: Extent(2), padding: Extent(1), outputPadding: Extent(index % 2), activation: index == 1 ? .tanh : nil)
      )
      // Normalised as it is read.
      let small = try InstanceNorm("norm")(down(builder.input("x", shape: input))).relu()
      let graph = builder.graph(outputs: [("y", try up(small))])
      // So small that other ways are faster.
      let measured = Tuning(measures: true)
      _ = try backend.compile(graph, options: CompileOptions(tuning: measured))
      let choices = measured.choices.map {
        ($0.key, $0.key.contains("transposed") ? "winograd transposed" : "winograd stride 2")
      }
      let options = CompileOptions(tuning: Tuning(Dictionary(uniqueKeysWithValues: choices)))
      let executable = try #require(try backend.compile(graph, options: options) as? CPUExecutable)
      let inputs = [try numbers.tensor(input)]
      #expect(
        try executable.profile(inputs).map(\.algorithm).filter { $0.hasPrefix("winograd") }
          == ["winograd stride 2", "winograd transposed"])
      let result = ParityCase("stride 2 \(row)", graph: graph, inputs: inputs)
        .check(backend, tolerance: 1e-5, options: options)
      #expect(result.isWithinTolerance, "\(result)")
    }
  }

  @Test("a network built for a large picture runs on a small one, and on one that takes several turns")
  func otherSizes() throws {
    var numbers = SeededNumbers(seed: 3)
    let builder = GraphBuilder()
    let conv = Conv2D("conv", filter: try numbers.tensor([64, 32, 3, 3]), Convolution(padding: .same))
    let down = Conv2D(
      "down", filter: try numbers.tensor([128, 64, 3, 3], in: -0.1...0.1),
      Convolution(stride: Extent(2), padding: .explicit(Insets(1))))
    let up = ConvTranspose2D(
      "up", filter: try numbers.tensor([128, 64, 3, 3], in: -0.1...0.1),
      TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1)))
    let y = try up(down(conv(builder.input("x", shape: [1, 96, 96, 32]))))
    let graph = builder.graph(outputs: [("y", y)])
    let backend = try CPUBackend(threads: 2)
    let executable = try #require(try backend.compile(graph, options: CompileOptions()) as? CPUExecutable)
    for shape in [[1, 1, 1, 32], [2, 3, 5, 32], [1, 161, 165, 32]] as [Shape] {
      let input = try numbers.tensor(shape)
      #expect(
        try executable.profile([input]).map(\.algorithm) == [
          "winograd 6×6", "winograd stride 2", "winograd transposed",
        ])
      // Of this executable, which was planned for another size.
      let expected = try ReferenceBackend().compile(graph, options: CompileOptions()).run([input])[0].floats()
      let result = try executable.run([input])[0].floats()
      let largest = expected.map(abs).max() ?? 0
      #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 2e-5 * largest }, "\(shape)")
    }
  }

  @Test("Winograd gives the same bits on any number of threads, and an item of a batch those that it has alone")
  func isDeterministic() throws {
    var numbers = SeededNumbers(seed: 4)
    let builder = GraphBuilder()
    let same = Convolution(padding: .explicit(Insets(1)), paddingMode: .reflect)
    let conv = Conv2D("conv", filter: try numbers.tensor([64, 32, 3, 3]), same)
    let down = Conv2D(
      "down", filter: try numbers.tensor([128, 64, 3, 3]), Convolution(stride: Extent(2), padding: .explicit(Insets(1)))
    )
    let up = ConvTranspose2D(
      "up", filter: try numbers.tensor([128, 64, 3, 3]),
      TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1)))
    let deep = Conv2D(
      "deep", filter: try numbers.tensor([64, 1, 3, 3]), Convolution(groups: 64, padding: .explicit(Insets(1))))
    var y = try InstanceNorm("first")(conv(builder.input("x", shape: [1, 96, 96, 32]))).relu()
    y = try InstanceNorm("second")(down(y)).relu()
    y = try deep(InstanceNorm("third")(up(y)))
    let graph = builder.graph(outputs: [("y", y)])
    let input = try numbers.tensor([3, 96, 96, 32])
    let results = try [1, 2, 3, 7].map { threads in
      let executable = try #require(
        try CPUBackend(threads: threads).compile(graph, options: CompileOptions()) as? CPUExecutable)
      // The first two normalisations are applied as what follows reads.
      #expect(
        try executable.profile([input]).map(\.algorithm)
          == ["winograd 6×6", "winograd stride 2", "winograd transposed", "normalise", "depthwise"])
      return try executable.run([input])[0].floats()
    }
    for result in results.dropFirst() { #expect(result == results[0]) }
    let items = input.floats()
    let count = items.count / 3
    let executable = try CPUBackend(threads: 2).compile(graph, options: CompileOptions())
    for item in 0..<3 {
      let one = try Tensor(Array(items[item * count..<(item + 1) * count]), shape: [1, 96, 96, 32])
      let alone = try executable.run([one])[0].floats()
      #expect(Array(results[0][item * alone.count..<(item + 1) * alone.count]) == alone)
    }
  }
}
