import Testing
import ZooGraph
import ZooTensor

/// Shapes of results, and what is refused: nothing here may trap, whatever the numbers.
@Suite struct OperationShapeTests {
  private func shape(_ operation: Operation, _ inputs: Shape...) throws -> Shape {
    try operation.outputShape(of: inputs, at: "layer")
  }

  private func refused(
    _ code: GraphError.Code, _ operation: Operation, _ inputs: Shape...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: GraphError.self, sourceLocation: sourceLocation) {
      try operation.outputShape(of: inputs, at: "generator.conv1")
    }
    #expect(error?.code == code, "\(error?.message ?? "")", sourceLocation: sourceLocation)
    #expect(error?.layer == "generator.conv1", sourceLocation: sourceLocation)
  }

  @Test func convolutions() throws {
    #expect(try shape(.convolution(Convolution()), [2, 7, 5, 3], [8, 3, 3, 2]) == [2, 5, 4, 8])
    let strided = Convolution(stride: Extent(2), dilation: Extent(height: 1, width: 2), padding: .explicit(Insets(1)))
    #expect(try shape(.convolution(strided), [1, 8, 9, 4], [6, 4, 3, 3], [6]) == [1, 4, 4, 6])
    #expect(try shape(.convolution(Convolution(groups: 4)), [1, 3, 3, 4], [8, 1, 3, 3]) == [1, 1, 1, 8])
  }

  @Test func samePaddingRoundsUp() throws {
    for size in 1...12 {
      for (stride, kernel, dilation) in [(1, 3, 1), (2, 3, 1), (2, 2, 1), (3, 5, 2), (4, 1, 1)] {
        let options = Convolution(stride: Extent(stride), dilation: Extent(dilation), padding: .same)
        let result = try shape(.convolution(options), [1, size, size, 1], [1, 1, kernel, kernel])
        #expect(result[1] == (size + stride - 1) / stride)
        let insets = options.insets(for: Extent(size), kernel: Extent(kernel))
        #expect((0...1).contains(insets.bottom - insets.top))
      }
    }
  }

  @Test func convolutionsThatDoNotFit() {
    refused(.shapeMismatch, .convolution(Convolution()), [1, 8, 8, 128], [64, 256, 3, 3])
    refused(.rankMismatch, .convolution(Convolution()), [8, 8, 3], [4, 3, 3, 3])
    refused(.rankMismatch, .convolution(Convolution()), [1, 8, 8, 3], [4, 27])
    refused(.rankMismatch, .convolution(Convolution()), [1, 8, 8, 3], [4, 3, 3, 3], [4, 1])
    refused(.shapeMismatch, .convolution(Convolution()), [1, 8, 8, 3], [4, 3, 3, 3], [3])
    refused(.shapeMismatch, .convolution(Convolution(groups: 2)), [1, 8, 8, 4], [5, 2, 3, 3])
    refused(.shapeMismatch, .convolution(Convolution(groups: 3)), [1, 8, 8, 4], [6, 1, 3, 3])
    refused(.invalidParameter, .convolution(Convolution(groups: 0)), [1, 8, 8, 4], [6, 4, 3, 3])
    refused(.invalidParameter, .convolution(Convolution(stride: Extent(0))), [1, 8, 8, 4], [6, 4, 3, 3])
    refused(.invalidParameter, .convolution(Convolution(dilation: Extent(0))), [1, 8, 8, 4], [6, 4, 3, 3])
    refused(.invalidParameter, .convolution(Convolution(padding: .explicit(Insets(-1)))), [1, 8, 8, 4], [6, 4, 3, 3])
    refused(.emptyResult, .convolution(Convolution()), [1, 2, 8, 4], [6, 4, 3, 3])
    refused(.emptyResult, .convolution(Convolution()), [0, 8, 8, 4], [6, 4, 3, 3])
    refused(.inputCount, .convolution(Convolution()), [1, 8, 8, 4])
    refused(.inputCount, .convolution(Convolution()), [1, 8, 8, 4], [6, 4, 3, 3], [6], [6])
    let activated = Convolution(activation: .leakyReLU(slope: .nan))
    refused(.invalidParameter, .convolution(activated), [1, 8, 8, 4], [6, 4, 3, 3])
  }

  @Test func reflectionNeedsALargerPicture() throws {
    func reflected(_ size: Int) -> ZooGraph.Operation {
      .convolution(Convolution(padding: .explicit(Insets(size)), paddingMode: .reflect))
    }
    #expect(try shape(reflected(3), [1, 4, 4, 1], [1, 1, 3, 3]) == [1, 8, 8, 1])
    refused(.invalidParameter, reflected(4), [1, 4, 5, 1], [1, 1, 3, 3])
    refused(.invalidParameter, .pad(.reflect, Insets(2)), [1, 2, 3, 1])
    let same = Convolution(padding: .same, paddingMode: .reflect)
    refused(.invalidParameter, .convolution(same), [1, 1, 9, 1], [1, 1, 3, 3])
    #expect(try shape(.pad(.replicate, Insets(2)), [1, 1, 1, 1]) == [1, 5, 5, 1])
  }

  @Test func transposedConvolutions() throws {
    let enlarging = TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1))
    #expect(try shape(.transposedConvolution(enlarging), [1, 8, 7, 6], [6, 4, 3, 3], [4]) == [1, 16, 14, 4])
    let grouped = TransposedConvolution(groups: 3)
    #expect(try shape(.transposedConvolution(grouped), [1, 2, 2, 6], [6, 5, 2, 2]) == [1, 3, 3, 15])
    refused(.shapeMismatch, .transposedConvolution(enlarging), [1, 8, 8, 6], [4, 6, 3, 3])
    refused(.shapeMismatch, .transposedConvolution(enlarging), [1, 8, 8, 6], [6, 4, 3, 3], [6])
    refused(.shapeMismatch, .transposedConvolution(TransposedConvolution(groups: 4)), [1, 2, 2, 6], [6, 5, 2, 2])
    let cut = TransposedConvolution(padding: Extent(2))
    refused(.emptyResult, .transposedConvolution(cut), [1, 2, 2, 1], [1, 1, 3, 3])
    refused(
      .invalidParameter, .transposedConvolution(TransposedConvolution(stride: Extent(2), outputPadding: Extent(2))),
      [1, 2, 2, 1], [1, 1, 3, 3])
    let dilated = TransposedConvolution(dilation: Extent(3), outputPadding: Extent(2))
    #expect(try shape(.transposedConvolution(dilated), [1, 2, 2, 1], [1, 1, 2, 2]) == [1, 7, 7, 1])
  }

  @Test func pools() throws {
    let pool = Pool(.maximum, window: Extent(3), stride: Extent(2), padding: Insets(1))
    #expect(try shape(.pool(pool), [1, 7, 8, 5]) == [1, 4, 4, 5])
    let emptyWindows = Pool(.maximum, window: Extent(2), stride: Extent(2), padding: Insets(2))
    refused(.invalidParameter, .pool(emptyWindows), [1, 8, 8, 1])
    refused(.emptyResult, .pool(Pool(.maximum, window: Extent(5), stride: Extent(1))), [1, 4, 8, 1])
    #expect(try shape(.globalAveragePool, [2, 7, 5, 3]) == [2, 1, 1, 3])
    #expect(try shape(.resize(Resize(.nearest, scale: Extent(height: 2, width: 3))), [1, 4, 5, 3]) == [1, 8, 15, 3])
    refused(.invalidParameter, .resize(Resize(.nearest, scale: Extent(0))), [1, 4, 5, 3])
  }

  @Test func matrices() throws {
    #expect(try shape(.linear(activation: nil), [2, 3, 5], [7, 5], [7]) == [2, 3, 7])
    refused(.shapeMismatch, .linear(activation: nil), [2, 4], [7, 5])
    refused(.shapeMismatch, .linear(activation: nil), [2, 5], [7, 5], [5])
    refused(.rankMismatch, .linear(activation: nil), [], [7, 5])
    #expect(try shape(.matrixMultiply, [2, 3, 4], [2, 4, 5]) == [2, 3, 5])
    #expect(try shape(.matrixMultiply, [2, 6, 3, 4], [4, 5]) == [2, 6, 3, 5])
    refused(.shapeMismatch, .matrixMultiply, [2, 3, 4], [3, 4, 5])
    refused(.shapeMismatch, .matrixMultiply, [3, 4], [3, 4])
    refused(.shapeMismatch, .matrixMultiply, [3, 4], [1, 4, 5])
    refused(.rankMismatch, .matrixMultiply, [4], [4, 5])
  }

  @Test func normalizations() throws {
    #expect(try shape(.batchNorm(epsilon: 0), [2, 3], [3], [3], [3], [3]) == [2, 3])
    refused(.shapeMismatch, .batchNorm(epsilon: 0), [2, 3], [3], [3], [2], [3])
    refused(.invalidParameter, .batchNorm(epsilon: -1), [2, 3], [3], [3], [3], [3])
    refused(.invalidParameter, .instanceNorm(epsilon: .nan, activation: nil), [1, 2, 2, 3])
    refused(.inputCount, .instanceNorm(epsilon: 0, activation: nil), [1, 2, 2, 3], [3])
    refused(.rankMismatch, .instanceNorm(epsilon: 0, activation: nil), [2, 2, 3])
  }

  @Test func broadcasting() throws {
    #expect(try shape(.add(activation: nil), [2, 1, 4], [3, 1]) == [2, 3, 4])
    #expect(try shape(.multiply, [], [2, 3]) == [2, 3])
    refused(.shapeMismatch, .add(activation: nil), [2, 3], [2])
    refused(.inputCount, .multiply, [2, 3])
  }

  @Test func layout() throws {
    #expect(try shape(.concatenate(axis: 1), [2, 3], [2, 4], [2, 1]) == [2, 8])
    refused(.shapeMismatch, .concatenate(axis: 1), [2, 3], [3, 3])
    refused(.rankMismatch, .concatenate(axis: 0), [2, 3], [2])
    refused(.invalidParameter, .concatenate(axis: 2), [2, 3])
    refused(.inputCount, .concatenate(axis: 0))
    #expect(try shape(.reshape([0, -1, 2]), [3, 4, 5]) == [3, 10, 2])
    #expect(try shape(.reshape([]), [1]) == [])
    refused(.invalidParameter, .reshape([-1, -1]), [4])
    refused(.invalidParameter, .reshape([-2, 2]), [4])
    refused(.invalidParameter, .reshape([4, 0]), [4])
    refused(.shapeMismatch, .reshape([3, -1]), [4])
    refused(.shapeMismatch, .reshape([3]), [4])
    refused(.tooLarge, .reshape([Int.max, 2, -1]), [4])
    #expect(try shape(.flatten(axis: 1), [2, 3, 4]) == [2, 12])
    refused(.invalidParameter, .flatten(axis: 3), [2, 3, 4])
    refused(.invalidParameter, .flatten(axis: -1), [2, 3, 4])
    #expect(try shape(.softmax(axis: -2), [2, 3]) == [2, 3])
    refused(.invalidParameter, .softmax(axis: 2), [2, 3])
    refused(.invalidParameter, .softmax(axis: -3), [2, 3])
    refused(.invalidParameter, .softmax(axis: Int.min), [2, 3])
  }

  @Test(arguments: [Int.max, Int.max / 2, 1 << 32, Int(Int32.max), Int(Int32.max) - 1])
  func hugeNumbersAreRefusedAndNeverOverflow(_ huge: Int) throws {
    let kernel: Shape = [1, 1, 3, 3]
    let operations: [(ZooGraph.Operation, [Shape])] = [
      (.convolution(Convolution(dilation: Extent(huge), padding: .same)), [[1, 4, 4, 1], kernel]),
      (.convolution(Convolution(dilation: Extent(huge))), [[1, 4, 4, 1], kernel]),
      (.convolution(Convolution(padding: .explicit(Insets(huge)))), [[1, 4, 4, 1], kernel]),
      (.convolution(Convolution(groups: huge)), [[1, 4, 4, 1], kernel]),
      (.transposedConvolution(TransposedConvolution(stride: Extent(huge))), [[1, 4, 4, 1], kernel]),
      (.transposedConvolution(TransposedConvolution(dilation: Extent(huge))), [[1, 4, 4, 1], kernel]),
      (.transposedConvolution(TransposedConvolution(padding: Extent(huge))), [[1, 4, 4, 1], kernel]),
      (.transposedConvolution(TransposedConvolution(outputPadding: Extent(huge))), [[1, 4, 4, 1], kernel]),
      (.transposedConvolution(TransposedConvolution(groups: huge)), [[1, 4, 4, 1], kernel]),
      (.pad(.zero, Insets(huge)), [[1, 4, 4, 1]]),
      (.pool(Pool(.maximum, window: Extent(huge), stride: Extent(1), padding: Insets(huge - 1))), [[1, 4, 4, 1]]),
      (.resize(Resize(.nearest, scale: Extent(huge))), [[1, 4, 4, 1]]),
      (.add(activation: nil), [[1, 1 << 16], [1 << 16, 1]]),
      (.matrixMultiply, [[1 << 16, 1], [1, 1 << 16]]),
      (.concatenate(axis: 0), [try Shape([huge]), try Shape([huge])]),
    ]
    for (operation, inputs) in operations {
      #expect(throws: GraphError.self, "\(operation)") { try operation.outputShape(of: inputs, at: "layer") }
    }
    // A stride over the picture's end is one window.
    let strided = Convolution(stride: Extent(huge), padding: .same)
    if huge <= Operation.maximumElementCount {
      #expect(try shape(.convolution(strided), [1, 4, 4, 1], kernel) == [1, 1, 1, 1])
    } else {
      refused(.tooLarge, .convolution(strided), [1, 4, 4, 1], kernel)
    }
  }

  @Test func messagesNameBothShapesAndTheRemedy() {
    let error = #expect(throws: GraphError.self) {
      try shape(.convolution(Convolution()), [1, 8, 8, 128], [64, 256, 3, 3])
    }
    #expect(
      error?.description
        == "layer: the kernel [64, 256, 3, 3] expects 256 input channels in each of 1 groups and the input "
        + "[1, 8, 8, 128] has 128 in all: the weights belong to a layer of another width")
  }
}

@Suite struct GraphTests {
  @Test func shapesFollowWhatIsFed() throws {
    let graph = try graph { x, _ in [try x.padded(.zero, Insets(1)).globalAveragePooled()] }
    #expect(try graph.shapes(for: [[3, 9, 8, 2]]) == [[3, 9, 8, 2], [3, 11, 10, 2], [3, 1, 1, 2]])
    #expect(throws: GraphError.self) { try graph.shapes(for: []) }
    #expect(throws: GraphError.self) { try graph.shapes(for: [[9, 8, 2]]) }
  }

  @Test func namesAreQualifiedAndUnique() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [2])
    let y = try builder.scope("blocks.3") { try x.relu().relu() }
    let graph = builder.graph(outputs: [("y", y)])
    #expect(graph.nodes.map(\.name) == ["x", "blocks.3.relu", "blocks.3.relu_2"])
  }

  @Test func parametersAreCounted() throws {
    let graph = try graph { x, numbers in [try x.conv(&numbers)] }
    #expect(graph.parameterCount == 8 * 4 * 3 * 3 + 8)
  }
}
