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
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: large) == .winograd(size: 6))
    #expect(algorithm(Convolution(), [256, 256, 3, 3], output: [1, 14, 14, 256]) == .winograd(size: 4))
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: [1, 7, 7, 64]) == .im2col)
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: large, .bfloat16) == .winograd(size: 4))
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: [1, 7, 7, 64], .bfloat16) == .winograd(size: 2))
    #expect(algorithm(Convolution(), [64, 64, 3, 3], output: [1, 5, 5, 64], .bfloat16) == .im2col)
    #expect(algorithm(Convolution(), [64, 16, 3, 3], output: large) == .direct)
    #expect(algorithm(Convolution(), [64, 40, 3, 3], output: large) == .direct)
    #expect(algorithm(Convolution(), [64, 64, 5, 5], output: large) == .direct)
    #expect(algorithm(Convolution(stride: Extent(2)), [64, 64, 3, 3], output: large) == .im2col)
    #expect(algorithm(Convolution(dilation: Extent(2)), [64, 64, 3, 3], output: large) == .im2col)
    #expect(algorithm(Convolution(groups: 2), [64, 32, 3, 3], output: large) == .im2col)
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

  @Test("a network built for a large picture runs on a small one, and on one that takes several turns")
  func otherSizes() throws {
    var numbers = SeededNumbers(seed: 3)
    let builder = GraphBuilder()
    let conv = Conv2D("conv", filter: try numbers.tensor([32, 32, 3, 3]), Convolution(padding: .same))
    let y = try conv(builder.input("x", shape: [1, 64, 64, 32]))
    let graph = builder.graph(outputs: [("y", y)])
    for shape in [[1, 1, 1, 32], [2, 3, 5, 32], [1, 161, 165, 32]] as [Shape] {
      let result = ParityCase("winograd \(shape)", graph: graph, inputs: [try numbers.tensor(shape)])
        .check(try CPUBackend(threads: 2), tolerance: 1e-5)
      #expect(result.isWithinTolerance, "\(result)")
    }
  }
}
