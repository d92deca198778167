import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct DirectConvolutionTests {
  /// Runs a network on every instruction set, expects the algorithm, and holds the results against the reference.
  private func check(
    _ name: String, _ input: Shape, tolerance: Double = 1e-5,
    _ network: (GraphBuilder, inout SeededNumbers) throws -> Value
  ) throws {
    var numbers = SeededNumbers(seed: name)
    let builder = GraphBuilder()
    let y = try network(builder, &numbers)
    let parity = ParityCase(
      name, graph: builder.graph(outputs: [("y", y)]), inputs: [try numbers.tensor(input)])
    for set in InstructionSet.available {
      let backend = try CPUBackend(threads: 3, instructionSet: set, library: .packed)
      let executable = try #require(try backend.compile(parity.graph, options: CompileOptions()) as? CPUExecutable)
      #expect(try executable.profile(parity.inputs).map(\.algorithm).contains("direct"), "\(name)")
      let result = parity.check(backend, tolerance: tolerance)
      #expect(result.isWithinTolerance, "\(result)")
    }
  }

  @Test("convolutions whose windows are read in place agree with the reference")
  func convolutions() throws {
    let uneven = Insets(top: 2, bottom: 0, leading: 1, trailing: 3)
    let rows: [(channels: Int, kernel: (Int, Int), Convolution)] = [
      (3, (7, 7), Convolution(padding: .explicit(Insets(3)), paddingMode: .reflect)),
      (3, (7, 7), Convolution(stride: Extent(2), padding: .explicit(Insets(3)), activation: .relu)),
      (3, (3, 3), Convolution(stride: Extent(2), padding: .same)),
      (1, (3, 3), Convolution(padding: .explicit(uneven), paddingMode: .replicate, activation: .sigmoid)),
      (20, (5, 5), Convolution(padding: .explicit(uneven))),
      (40, (1, 5), Convolution(padding: .explicit(uneven), activation: .relu6)),
      (5, (3, 3), Convolution(stride: Extent(height: 3, width: 1), padding: .explicit(Insets(1)))),
      (5, (3, 3), Convolution(dilation: Extent(height: 2, width: 1), padding: .explicit(Insets(2)))),
      (5, (3, 2), Convolution(stride: Extent(height: 1, width: 2), dilation: Extent(height: 3, width: 1))),
    ]
    for (index, row) in rows.enumerated() {
      let (height, width) = row.kernel
      try check("direct \(index)", [2, 31, 67, row.channels]) { builder, numbers in
        let conv = Conv2D(
          "conv", filter: try numbers.tensor([17, row.channels, height, width], in: -0.2...0.2),
          bias: index % 2 == 0 ? try numbers.tensor([17]) : nil, row.2)
        return try conv(builder.input("x", shape: [2, 31, 67, row.channels]))
      }
    }
  }

  @Test("so do transposed ones, phase by phase")
  func transposed() throws {
    let rows: [(kernel: (Int, Int), TransposedConvolution)] = [
      ((3, 3), TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1))),
      ((4, 4), TransposedConvolution(stride: Extent(2), padding: Extent(1), activation: .relu)),
      ((5, 3), TransposedConvolution(stride: Extent(height: 3, width: 1), padding: Extent(2))),
      ((2, 2), TransposedConvolution(stride: Extent(2))),
    ]
    for (index, row) in rows.enumerated() {
      let (height, width) = row.kernel
      try check("transposed \(index)", [2, 9, 33, 12]) { builder, numbers in
        let conv = ConvTranspose2D(
          "conv", filter: try numbers.tensor([12, 10, height, width], in: -0.2...0.2), bias: try numbers.tensor([10]),
          row.1)
        return try conv(builder.input("x", shape: [2, 9, 33, 12]))
      }
    }
  }

  @Test("statistics for the normalisation behind are taken of all phases, and an addend is added")
  func fused() throws {
    try check("normalised", [2, 16, 30, 8], tolerance: 3e-5) { builder, numbers in
      let conv = ConvTranspose2D(
        "up", filter: try numbers.tensor([8, 12, 3, 3], in: -0.2...0.2), bias: nil,
        TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1)))
      return try InstanceNorm("norm")(conv(builder.input("x", shape: [2, 16, 30, 8]))).relu()
    }
    try check("added", [1, 30, 30, 24]) { builder, numbers in
      let x = try builder.input("x", shape: [1, 30, 30, 24])
      let conv = Conv2D(
        "conv", filter: try numbers.tensor([24, 24, 5, 5], in: -0.1...0.1), bias: nil, Convolution(padding: .same))
      return try conv(x).adding(x, activation: .relu)
    }
  }
}
