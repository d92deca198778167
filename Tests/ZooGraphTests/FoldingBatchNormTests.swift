import Testing
import ZooGraph
import ZooOpParity
import ZooTensor

@Suite struct FoldingBatchNormTests {
  @Test(arguments: [true, false], [1, 2, 4]) func foldsIntoAConvolution(hasBias: Bool, groups: Int) throws {
    let before = try graph { x, numbers in
      [try x.conv(&numbers, Convolution(groups: groups), bias: hasBias).norm(&numbers)]
    }
    let after = try before.foldingBatchNorm()
    #expect(after.steps == ["convolution"])
    #expect(after.nodes.map(\.name) == ["x", "conv.weight", "conv.bias", "conv"])
    try before.expectSameResults(as: after)
  }

  @Test(arguments: [true, false], [1, 2, 4]) func foldsIntoATransposedConvolution(hasBias: Bool, groups: Int) throws {
    let before = try graph { x, numbers in
      let filter = try numbers.tensor([4, 3, 3, 2])
      let options = TransposedConvolution(stride: Extent(2), groups: groups)
      let bias = try hasBias ? numbers.tensor([3 * groups]) : nil
      return [try ConvTranspose2D("up", filter: filter, bias: bias, options)(x).norm(&numbers)]
    }
    let after = try before.foldingBatchNorm()
    #expect(after.steps == ["transposedConvolution"])
    try before.expectSameResults(as: after)
  }

  @Test(arguments: [true, false]) func foldsIntoALinearLayer(hasBias: Bool) throws {
    let before = try graph([3, 4]) { x, numbers in
      let linear = try Linear("fc", weight: numbers.tensor([5, 4]), bias: hasBias ? numbers.tensor([5]) : nil)
      return [try linear(x).norm(&numbers)]
    }
    let after = try before.foldingBatchNorm()
    #expect(after.steps == ["linear"])
    try before.expectSameResults(as: after)
  }

  @Test func foldsInDouble() throws {
    // In Float, (bias − mean) loses the bias.
    func vector(_ value: Float) throws -> Tensor { try Tensor([value], shape: [1]) }
    let before = try graph([1, 1, 1, 1]) { x, _ in
      let conv = try Conv2D("conv", filter: Tensor([1] as [Float], shape: [1, 1, 1, 1]), bias: vector(1))(x)
      let norm = try BatchNorm(
        "norm", scale: vector(1), shift: vector(0x1p25), mean: vector(0x1p25), variance: vector(1), epsilon: 0)
      return [try norm(conv)]
    }
    let after = try before.foldingBatchNorm()
    guard case .constant(let bias) = try after.operation(named: "conv.bias") else { return }
    #expect(bias.floats() == [1])
  }

  @Test func aSecondUserOfTheConvolutionPreventsIt() throws {
    let before = try graph { x, numbers in
      let conv = try x.conv(&numbers)
      return [try conv.norm(&numbers) + conv]
    }
    #expect(try before.foldingBatchNorm().steps == before.steps)
  }

  @Test func anOutputPreventsIt() throws {
    let before = try graph { x, numbers in
      let conv = try x.conv(&numbers)
      return [conv, try conv.norm(&numbers)]
    }
    #expect(try before.foldingBatchNorm().steps == before.steps)
  }

  @Test func anActivationInBetweenPreventsIt() throws {
    let fused = try graph { x, numbers in [try x.conv(&numbers, Convolution(activation: .relu)).norm(&numbers)] }
    #expect(try fused.foldingBatchNorm().steps == fused.steps)
    let free = try graph { x, numbers in [try x.conv(&numbers).relu().norm(&numbers)] }
    #expect(try free.foldingBatchNorm().steps == free.steps)
  }

  @Test func weightsThatWouldNotBeFinitePreventIt() throws {
    let zero = try Tensor.zeros(shape: [8])
    let before = try graph { x, numbers in
      let norm = BatchNorm("norm", scale: zero, shift: zero, mean: zero, variance: zero, epsilon: 0)
      return [try norm(x.conv(&numbers))]
    }
    #expect(try before.foldingBatchNorm().steps == before.steps)
  }

  @Test func statisticsThatAreComputedPreventIt() throws {
    let before = try graph([1, 5, 6, 8]) { x, numbers in
      let conv = try x.conv(&numbers)
      let mean = try x.flattened(from: 0).reshaped(to: [30, 8]).softmax(axis: 0)
        .reshaped(to: [1, 5, 6, 8]).globalAveragePooled().reshaped(to: [8])
      let vector = try x.builder.constant(numbers.tensor([8], in: 1...2), name: "vector")
      return [try x.builder.apply(.batchNorm(epsilon: 0), to: [conv, vector, vector, mean, vector], name: "norm")]
    }
    #expect(try before.foldingBatchNorm().steps == before.steps)
  }

  @Test func sharedWeightsStayForTheOtherLayer() throws {
    let before = try graph([1, 5, 6, 8]) { x, numbers in
      let filter = try x.builder.constant(numbers.tensor([8, 8, 1, 1]), name: "shared")
      let first = try x.builder.apply(.convolution(Convolution()), to: [x, filter], name: "first")
      let second = try x.builder.apply(.convolution(Convolution()), to: [first.norm(&numbers), filter], name: "second")
      return [second]
    }
    let after = try before.foldingBatchNorm()
    #expect(after.steps == ["convolution", "convolution"])
    try before.expectSameResults(as: after)
  }
}
