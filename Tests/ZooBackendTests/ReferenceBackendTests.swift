import Testing
import ZooBackend
import ZooGraph
import ZooTensor

/// The reference against numbers worked out by hand, and what it refuses.
@Suite struct ReferenceBackendTests {
  private func evaluate(
    _ operation: Operation, _ inputs: (shape: Shape, values: [Float])...
  ) throws -> ReferenceValue {
    let builder = GraphBuilder()
    let operands = try inputs.enumerated().map { try builder.input("x\($0)", shape: $1.shape) }
    let y = try builder.apply(operation, to: operands, name: "y")
    let tensors = try inputs.map { try Tensor($0.values, shape: $0.shape) }
    return try ReferenceExecutable(builder.graph(outputs: [("y", y)])).evaluate(tensors)[0]
  }

  @Test func convolutionCorrelatesWithoutFlippingTheKernel() throws {
    let y = try evaluate(
      .convolution(Convolution()), ([1, 2, 3, 1], [1, 2, 3, 4, 5, 6]), ([1, 1, 2, 2], [1, 10, 100, 1000]), ([1], [0.5]))
    #expect(y.shape == [1, 1, 2, 1])
    #expect(y.elements == [5421.5, 6532.5])
  }

  @Test func samePaddingPutsTheOddRowLast() throws {
    let y = try evaluate(
      .convolution(Convolution(stride: Extent(2), padding: .same)), ([1, 1, 4, 1], [1, 2, 3, 4]),
      ([1, 1, 1, 3], [1, 10, 100]))
    #expect(y.elements == [321, 43])
  }

  @Test func groupsSeeOnlyTheirChannels() throws {
    let y = try evaluate(
      .convolution(Convolution(groups: 2)), ([1, 1, 1, 4], [1, 2, 3, 4]), ([2, 2, 1, 1], [1, 10, 100, 1000]))
    #expect(y.elements == [21, 4300])
  }

  @Test func transposedConvolutionSpreadsEveryPixel() throws {
    let y = try evaluate(
      .transposedConvolution(TransposedConvolution(stride: Extent(2), outputPadding: Extent(height: 0, width: 1))),
      ([1, 1, 2, 1], [1, 2]), ([1, 1, 1, 3], [1, 10, 100]))
    #expect(y.elements == [1, 10, 102, 20, 200, 0])
  }

  @Test func paddingModesDifferAtTheBorder() throws {
    let insets = Insets(top: 0, bottom: 0, leading: 2, trailing: 1)
    let x: (Shape, [Float]) = ([1, 1, 3, 1], [1, 2, 3])
    #expect(try evaluate(.pad(.zero, insets), x).elements == [0, 0, 1, 2, 3, 0])
    #expect(try evaluate(.pad(.reflect, insets), x).elements == [3, 2, 1, 2, 3, 2])
    #expect(try evaluate(.pad(.replicate, insets), x).elements == [1, 1, 1, 2, 3, 3])
  }

  @Test func maximumPoolingIgnoresPaddingAndKeepsNaN() throws {
    let pool = Pool(
      .maximum, window: Extent(height: 1, width: 2), stride: Extent(1),
      padding: Insets(top: 0, bottom: 0, leading: 1, trailing: 0))
    #expect(try evaluate(.pool(pool), ([1, 1, 2, 1], [-5, -7])).elements == [-5, -5])
    let withNaN = try evaluate(.pool(pool), ([1, 1, 3, 1], [.nan, 1, 2])).elements
    #expect(withNaN[0].isNaN && withNaN[1].isNaN && withNaN[2] == 2)
  }

  @Test func averagePoolingCountsPaddingWhereAsked() throws {
    func pool(_ counts: Bool) -> Operation {
      .pool(Pool(.average(countsPadding: counts), window: Extent(3), stride: Extent(1), padding: Insets(1)))
    }
    #expect(try evaluate(pool(true), ([1, 1, 1, 1], [9])).elements == [1])
    #expect(try evaluate(pool(false), ([1, 1, 1, 1], [9])).elements == [9])
  }

  @Test func bilinearResizeTakesPixelCentres() throws {
    let y = try evaluate(.resize(Resize(.bilinear, scale: Extent(height: 1, width: 2))), ([1, 1, 2, 1], [0, 4]))
    #expect(y.elements == [0, 1, 3, 4])
  }

  @Test func instanceNormUsesTheBiasedVarianceOfItsOwnChannel() throws {
    let y = try evaluate(.instanceNorm(epsilon: 0, activation: nil), ([1, 1, 2, 2], [1, 10, 3, 30]))
    #expect(y.elements == [-1, -1, 1, 1])
  }

  @Test func aConstantPictureIsNormalisedToZero() throws {
    let y = try evaluate(.instanceNorm(epsilon: 1e-5, activation: nil), ([1, 1, 2, 1], [7, 7]))
    #expect(y.elements == [0, 0])
  }

  @Test func broadcastingRepeatsAxesOfOne() throws {
    #expect(try evaluate(.add(activation: nil), ([2, 1], [1, 2]), ([1, 2], [10, 20])).elements == [11, 21, 12, 22])
    #expect(try evaluate(.multiply, ([], [3]), ([2], [1, 2])).elements == [3, 6])
  }

  @Test func activationsFollowTheirFormulas() throws {
    func at(_ x: Float, _ activation: Activation) throws -> Double {
      try evaluate(.activation(activation), ([1], [x])).elements[0]
    }
    #expect(try at(-2, .relu) == 0)
    #expect(try at(7, .relu6) == 6)
    #expect(try at(-2, .leakyReLU(slope: 0.25)) == -0.5)
    #expect(try at(0, .sigmoid) == 0.5)
    #expect(try at(0, .tanh) == 0)
    #expect(try at(0, .silu) == 0)
    #expect(try at(-1, .hardSwish) == -1.0 / 3)
    for activation in [Activation.relu, .relu6, .leakyReLU(slope: 0.25), .sigmoid, .tanh, .silu, .hardSwish] {
      #expect(try at(.nan, activation).isNaN)
    }
  }

  @Test func fusedActivationsComeAfterTheBias() throws {
    let y = try evaluate(.linear(activation: .relu), ([1, 1], [1]), ([2, 1], [2, 2]), ([2], [-3, 1]))
    #expect(y.elements == [0, 3])
  }

  @Test func constantsOfEveryFloatingTypeAreRead() throws {
    for type in [ElementType.float32, .float16, .bfloat16] {
      let builder = GraphBuilder()
      let x = try builder.input("x", shape: [1])
      let constant = try Tensor([1.5] as [Float], shape: [1]).converted(to: type)
      let y = try x + builder.constant(constant, name: "c")
      let executable = try ReferenceBackend().compile(builder.graph(outputs: [("y", y)]), options: CompileOptions())
      #expect(try executable.run([Tensor([2] as [Float], shape: [1])])[0].floats() == [3.5])
    }
  }

  @Test func integerConstantsAreRefused() throws {
    let builder = GraphBuilder()
    let c = try builder.constant(Tensor([1] as [Int32], shape: [1]), name: "labels")
    let error = #expect(throws: BackendError.self) { try ReferenceExecutable(builder.graph(outputs: [("y", c)])) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("labels") == true)
  }

  @Test func everyNodeCanBeLookedAt() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [2])
    let y = try x.relu().sigmoid()
    let values = try ReferenceExecutable(builder.graph(outputs: [("y", y)]))
      .evaluateNodes([Tensor([-1, 2] as [Float], shape: [2])])
    #expect(values["x"]?.elements == [-1, 2])
    #expect(values["relu"]?.elements == [0, 2])
    #expect(values["sigmoid"]?.elements[0] == 0.5)
  }

  @Test func plannedShapesAreChecked() throws {
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: [1, 2, 2, 1])
    let graph = builder.graph(outputs: [("y", try x.globalAveragePooled())])
    #expect(throws: GraphError.self) {
      try ReferenceBackend().compile(graph, options: CompileOptions(plannedShapes: [[[1, 2]]]))
    }
  }
}

/// What every backend refuses to be fed with.
@Suite struct InputValidationTests {
  private func graph() throws -> Graph {
    let builder = GraphBuilder()
    let x = try builder.input("photo", shape: [1, 4, 4, 3])
    let y = try Conv2D("conv", filter: Tensor.zeros(shape: [2, 3, 3, 3]))(x)
    return builder.graph(outputs: [("y", y)])
  }

  private func error(_ inputs: [Tensor]) throws -> BackendError? {
    let graph = try graph()
    return #expect(throws: BackendError.self) { try graph.validate(inputs) }
  }

  @Test func answersTheShapesOfAllNodes() throws {
    let shapes = try graph().validate([Tensor.zeros(shape: [2, 6, 5, 3])])
    #expect(shapes == [[2, 6, 5, 3], [2, 3, 3, 3], [2, 4, 3, 2]])
  }

  @Test func refusesAWrongCount() throws {
    #expect(try error([])?.code == .invalidInput)
  }

  @Test func refusesAnotherElementTypeAndNamesTheInput() throws {
    let error = try error([Tensor.zeros(.uint8, shape: [1, 4, 4, 3])])
    #expect(error?.message == "the input 'photo' is uint8: convert it to float32 before it is fed")
  }

  @Test func refusesAnEmptyTensor() throws {
    #expect(try error([Tensor.zeros(shape: [0, 4, 4, 3])])?.code == .invalidInput)
  }

  @Test func refusesAnotherRank() throws {
    #expect(try error([Tensor.zeros(shape: [4, 4, 3])])?.cause is GraphError)
  }

  @Test func namesTheLayerThatDoesNotFit() throws {
    let error = try error([Tensor.zeros(shape: [1, 4, 4, 1])])
    #expect((error?.cause as? GraphError)?.layer == "conv")
    #expect(error?.message.contains("[1, 4, 4, 1]") == true)
  }
}
