import Testing
import ZooGraph
import ZooOpParity
import ZooTensor

@Suite struct FusingActivationTests {
  @Test func fusesIntoEveryOperationWithAPlaceForIt() throws {
    let before = try graph { x, numbers in
      let conv = try x.conv(&numbers).relu()
      let up = try ConvTranspose2D("up", filter: numbers.tensor([8, 4, 2, 2]))(conv).activated(by: .silu)
      let norm = try InstanceNorm("norm")(up).activated(by: .leakyReLU(slope: 0.2))
      let linear = try Linear("fc", weight: numbers.tensor([5, 4]))(norm).sigmoid()
      return [try (linear + linear).tanh()]
    }
    let after = try before.fusingActivations()
    #expect(after.steps == ["convolution", "transposedConvolution", "instanceNorm", "linear", "add"])
    guard case .convolution(let conv) = try after.operation(named: "conv"),
      case .instanceNorm(_, let norm) = try after.operation(named: "norm"),
      case .add(let add) = try after.operation(named: "add")
    else {
      Issue.record("the fused nodes changed their kind")
      return
    }
    #expect(conv.activation == .relu)
    #expect(norm == .leakyReLU(slope: 0.2))
    #expect(add == .tanh)
    try before.expectSameResults(as: after)
  }

  @Test func onlyTheFirstOfTwoActivationsIsFused() throws {
    let before = try graph { x, numbers in [try x.conv(&numbers).sigmoid().relu()] }
    let after = try before.fusingActivations().fusingActivations()
    #expect(after.steps == ["convolution", "activation"])
    try before.expectSameResults(as: after)
  }

  @Test func aSecondUserPreventsIt() throws {
    let before = try graph { x, numbers in
      let conv = try x.conv(&numbers)
      return [try conv.relu().multiplied(by: conv)]
    }
    #expect(try before.fusingActivations().steps == before.steps)
  }

  @Test func anOutputPreventsIt() throws {
    let before = try graph { x, numbers in
      let conv = try x.conv(&numbers)
      return [try conv.relu(), conv]
    }
    #expect(try before.fusingActivations().steps == before.steps)
  }

  @Test func operationsWithoutAPlaceForItKeepTheirActivation() throws {
    let before = try graph { x, _ in [try x.globalAveragePooled().relu()] }
    #expect(try before.fusingActivations().steps == ["globalAveragePool", "activation"])
  }
}

@Suite struct FusingBiasTests {
  /// `conv + addend`, with the constant on either side.
  private func adding(
    _ shape: Shape, onTheLeft: Bool = false, bias: Bool = true, activation: Activation? = nil
  ) throws -> Graph {
    try graph { x, numbers in
      let conv = try x.conv(&numbers, bias: bias)
      let addend = try x.builder.constant(numbers.tensor(shape), name: "addend")
      return [try onTheLeft ? addend.adding(conv, activation: activation) : conv.adding(addend, activation: activation)]
    }
  }

  @Test(arguments: [[8], [1, 8], [1, 1, 1, 8], [1], [], [1, 1, 1, 1]] as [Shape], [true, false])
  func oneNumberForEachChannelIsABias(_ shape: Shape, bias: Bool) throws {
    for onTheLeft in [false, true] {
      let before = try adding(shape, onTheLeft: onTheLeft, bias: bias, activation: .relu)
      let after = try before.fusingBias()
      #expect(after.steps == ["convolution"])
      guard case .convolution(let options) = try after.operation(named: "conv") else { return }
      #expect(options.activation == .relu)
      try before.expectSameResults(as: after)
    }
  }

  @Test(arguments: [[4, 1], [3, 1, 8], [1, 3, 4, 8], [2, 1, 1, 8], [1, 1, 1, 1, 8], [1, 1, 1, 1, 1]] as [Shape])
  func anythingElseIsNot(_ shape: Shape) throws {
    // The convolution's result is [1, 3, 4, 8].
    let before = try adding(shape)
    #expect(try before.fusingBias().steps == before.steps)
  }

  @Test func aWiderConstantOnOneChannelIsNotABias() throws {
    let before = try graph { x, numbers in
      let conv = try Conv2D("conv", filter: numbers.tensor([1, 4, 1, 1]))(x)
      return [try conv + x.builder.constant(numbers.tensor([5]), name: "addend")]
    }
    #expect(try before.fusingBias().steps == before.steps)
  }

  @Test func fusesIntoTransposedConvolutionsAndLinearLayers() throws {
    let before = try graph { x, numbers in
      let up = try ConvTranspose2D("up", filter: numbers.tensor([4, 3, 2, 2]), TransposedConvolution(groups: 2))(x)
      let y = try up + x.builder.constant(numbers.tensor([6]), name: "a")
      let fc = try Linear("fc", weight: numbers.tensor([5, 6]), bias: numbers.tensor([5]))(y)
      return [try fc + x.builder.constant(numbers.tensor([5]), name: "b")]
    }
    let after = try before.fusingBias()
    #expect(after.steps == ["transposedConvolution", "linear"])
    try before.expectSameResults(as: after)
  }

  @Test func aTensorThatIsComputedIsNotABias() throws {
    let before = try graph([1, 5, 6, 8]) { x, numbers in
      [try x.conv(&numbers) + x.globalAveragePooled()]
    }
    #expect(try before.fusingBias().steps == before.steps)
  }

  @Test func aSecondUserOrAnActivationInBetweenPreventsIt() throws {
    let shared = try graph { x, numbers in
      let conv = try x.conv(&numbers)
      return [try conv + x.builder.constant(numbers.tensor([8]), name: "addend"), conv]
    }
    #expect(try shared.fusingBias().steps == shared.steps)
    let activated = try graph { x, numbers in
      let conv = try x.conv(&numbers, Convolution(activation: .relu))
      return [try conv + x.builder.constant(numbers.tensor([8]), name: "addend")]
    }
    #expect(try activated.fusingBias().steps == activated.steps)
  }
}
