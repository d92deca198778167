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
      (5, (3, 2), Convolution(stride: Extent(height: 4, width: 2))),
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

  @Test("where direct is not worthwhile windows are copied: few rows, long ones, narrow transposed ones")
  func notWorthwhile() throws {
    var numbers = SeededNumbers(seed: "not worthwhile")
    func check(_ name: String, _ input: Shape, _ network: (Value) throws -> Value) throws {
      let builder = GraphBuilder()
      let graph = builder.graph(outputs: [("y", try network(builder.input("x", shape: input)))])
      let parity = ParityCase(name, graph: graph, inputs: [try numbers.tensor(input)])
      let backend = try CPUBackend(threads: 3, library: .packed)
      let executable = try #require(try backend.compile(graph, options: CompileOptions()) as? CPUExecutable)
      #expect(try executable.profile(parity.inputs).map(\.algorithm).contains("im2col"), "\(name)")
      let result = parity.check(backend, tolerance: 1e-5)
      #expect(result.isWithinTolerance, "\(result)")
    }
    let row = try numbers.tensor([24, 16, 1, 9], in: -0.1...0.1)
    try check("one row", [1, 1, 3000, 16]) { try Conv2D("row", filter: row, Convolution(padding: .same))($0) }
    let wide = try numbers.tensor([24, 40, 3, 3], in: -0.1...0.1)
    try check("wide", [1, 9, 4000, 40]) {
      try Conv2D("wide", filter: wide, Convolution(padding: .same, activation: .relu))($0)
    }
    // One phase, whose results stand apart, and so deep that its blocks have all rows.
    let narrow = try numbers.tensor([512, 256, 3, 1], in: -0.05...0.05)
    let options = TransposedConvolution(
      stride: Extent(height: 1, width: 2), padding: Extent(height: 1, width: 0))
    try check("narrow", [1, 128, 1, 512]) { try ConvTranspose2D("narrow", filter: narrow, options)($0) }
  }

  @Test("a picture alone gets the same bits as in a batch where its windows are copied for all columns at once")
  func batch() throws {
    var numbers = SeededNumbers(seed: "batch of copies")
    let builder = GraphBuilder()
    let conv = Conv2D(
      "conv", filter: try numbers.tensor([512, 512, 3, 3], in: -0.02...0.02), Convolution(padding: .same))
    let y = try InstanceNorm("norm")(conv(builder.input("x", shape: [2, 5, 5, 512])))
    let executable = try CPUBackend(threads: 2, library: .packed)
      .compile(builder.graph(outputs: [("y", y)]), options: CompileOptions())
    let both = try numbers.tensor([2, 5, 5, 512])
    let first = try Tensor(Array(both.floats().prefix(5 * 5 * 512)), shape: [1, 5, 5, 512])
    let alone = try executable.run([first])[0].floats()
    #expect(try Array(executable.run([both])[0].floats().prefix(alone.count)) == alone)
  }
}
