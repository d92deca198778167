import Testing
import ZooTensor
import ZooWeights

@Suite struct WeightsTests {
  let weights: Weights

  init() throws {
    weights = try Weights([
      "layer1.conv.weight": Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]),
      "layer1.norm.running_mean": Tensor([0, 0] as [Float], shape: [2]),
      "layer1.norm.running_var": Tensor([1, 1] as [Float], shape: [2]),
      "layer1.norm.num_batches_tracked": Tensor([7] as [Int64], shape: []),
      "layer10.conv.weight": Tensor([5, 6, 7] as [Float], shape: [3]),
    ])
  }

  @Test func namesAreSorted() {
    #expect(weights.names == weights.names.sorted())
    #expect(weights.count == 5)
    #expect(weights.contains("layer10.conv.weight"))
    #expect(!weights.contains("layer2.conv.weight"))
  }

  @Test func parametersAreWhatWasLearned() {
    #expect(weights.parameterCount == 7)
    #expect(weights.byteCount == 4 * 4 + 2 * 4 + 2 * 4 + 8 + 3 * 4)
  }

  @Test func aMissingNameListsTheNearestAndTheirNumber() throws {
    let error = expectError(.missingTensor, saying: "'layer1.conv.weights'") { try weights["layer1.conv.weights"] }
    let message = try #require(error?.message)
    #expect(message.contains("the nearest names are 'layer1.conv.weight', 'layer10.conv.weight'"))
    #expect(message.contains("among the 5 tensors"))
    #expect(!message.contains("num_batches_tracked"))
  }

  @Test func aMissingNameWithoutLikenessSuggestsNothing() {
    let error = expectError(.missingTensor) { try weights["zzz"] }
    #expect(error?.message.contains("nearest") == false)
  }

  @Test func aScopeTakesWholeComponents() throws {
    let scoped = weights.scoped("layer1")
    #expect(scoped.names == ["conv.weight", "norm.num_batches_tracked", "norm.running_mean", "norm.running_var"])
    #expect(try scoped["conv.weight"].sharesStorage(with: weights["layer1.conv.weight"]))
    #expect(weights.scoped("layer1.").names == scoped.names)
    #expect(weights.scoped("").names == weights.names)
    #expect(weights.scoped("layer").names.isEmpty)
  }

  @Test func errorsInAScopeSayTheWholeName() {
    let scope = weights.scoped("layer1").scoped("norm")
    expectError(.missingTensor, saying: "'layer1.norm.running_men'") { try scope["running_men"] }
    expectError(.missingTensor, saying: "'layer1.norm.running_mean'") { try scope["running_men"] }
    expectError(.missingTensor, saying: "no name begins with 'other.'") { try weights.scoped("other")["bias"] }
    expectError(.missingTensor, saying: "the collection is empty") { try Weights([:])["bias"] }
  }

  @Test func mergingTakesBothAndRefusesASharedName() throws {
    let other = Weights(["head.bias": try .zeros(shape: [1])], metadata: ["author": "me"])
    let merged = try weights.merging(other)
    #expect(merged.count == 6)
    #expect(merged.metadata == ["author": "me"])
    expectError(.duplicateTensor, saying: "'head.bias'") { try merged.merging(other) }
    expectError(.duplicateTensor, saying: "4 others") { try weights.merging(weights) }
  }

  @Test(arguments: [ElementType.float32, .float16, .bfloat16], [Float.nan, .infinity, -.infinity])
  func aNumberThatIsNotFiniteIsFoundWhereItIs(elementType: ElementType, value: Float) throws {
    // Larger than the blocks in which the check runs, and not a multiple of them.
    var numbers = [Float](repeating: 65504, count: 3 * 5000)
    numbers[1] = -0.0
    numbers[2] = .leastNonzeroMagnitude
    let shape: Shape = [3, 5000]
    let finite = try Tensor(numbers, shape: shape).converted(to: elementType)
    #expect(throws: Never.self) { try Weights(["a": finite]).requireFinite() }
    for index in [0, 4095, 4096, 14_999] {
      numbers[index] = value
      let tensor = try Tensor(numbers, shape: shape).converted(to: elementType)
      let place = "holds \(value) at [\(index / 5000), \(index % 5000)]"
      let error = expectError(.notFinite, saying: place) {
        try Weights(["a": finite, "b.weight": tensor]).requireFinite()
      }
      #expect(error?.message.contains("'b.weight'") == true)
      numbers[index] = 1
    }
  }

  @Test func integersAreAlwaysFinite() throws {
    let weights = Weights(["count": try Tensor([0x7F80_0000, -1] as [Int32], shape: [2])])
    #expect(throws: Never.self) { try weights.requireFinite() }
  }
}
