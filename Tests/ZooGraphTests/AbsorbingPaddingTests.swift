import Testing
import ZooGraph
import ZooTensor

@Suite struct AbsorbingPaddingTests {
  private let insets = Insets(top: 2, bottom: 1, leading: 0, trailing: 2)

  private func padded(_ mode: PaddingMode, _ options: Convolution) throws -> Graph {
    try graph { x, numbers in [try x.padded(mode, insets).conv(&numbers, options)] }
  }

  @Test(arguments: [PaddingMode.zero, .reflect, .replicate])
  func aConvolutionThatDoesNotPadTakesEveryMode(_ mode: PaddingMode) throws {
    // With nothing padded, the mode that the convolution had does not matter.
    for own in [PaddingMode.zero, .reflect, .replicate] {
      let before = try padded(mode, Convolution(paddingMode: own))
      let after = try before.absorbingPadding()
      #expect(after.steps == ["convolution"])
      guard case .convolution(let options) = try after.operation(named: "conv") else { return }
      #expect(options.paddingMode == mode)
      #expect(options.padding == .explicit(insets))
      try before.expectSameResults(as: after)
    }
  }

  @Test func zerosAddUp() throws {
    let before = try padded(.zero, Convolution(padding: .explicit(Insets(1))))
    let after = try before.absorbingPadding()
    guard case .convolution(let options) = try after.operation(named: "conv") else { return }
    #expect(options.padding == .explicit(Insets(top: 3, bottom: 2, leading: 1, trailing: 3)))
    #expect(after.steps == ["convolution"])
    try before.expectSameResults(as: after)
  }

  @Test(arguments: [
    (PaddingMode.reflect, PaddingMode.zero), (.replicate, .zero), (.zero, .reflect), (.zero, .replicate),
    (.reflect, .reflect), (.replicate, .replicate), (.replicate, .reflect),
  ])
  func modesAreNotMixed(_ mode: PaddingMode, _ own: PaddingMode) throws {
    let before = try padded(mode, Convolution(padding: .explicit(Insets(1)), paddingMode: own))
    #expect(try before.absorbingPadding().steps == before.steps)
  }

  @Test func samePaddingIsLeftAlone() throws {
    let before = try padded(.zero, Convolution(stride: Extent(2), padding: .same))
    #expect(try before.absorbingPadding().steps == before.steps)
  }

  @Test func aSecondUserOrAnOutputPreventsIt() throws {
    let shared = try graph { x, numbers in
      let padded = try x.padded(.reflect, Insets(1))
      return [try padded.conv(&numbers, named: "a") + padded.conv(&numbers, named: "b")]
    }
    #expect(try shared.absorbingPadding().steps == shared.steps)
    let answered = try graph { x, numbers in
      let padded = try x.padded(.reflect, Insets(1))
      return [padded, try padded.conv(&numbers)]
    }
    #expect(try answered.absorbingPadding().steps == answered.steps)
  }

  @Test func otherOperationsKeepTheirPadding() throws {
    let before = try graph { x, _ in
      [try x.padded(.zero, Insets(1)).pooled(Pool(.maximum, window: Extent(3), stride: Extent(2)))]
    }
    #expect(try before.absorbingPadding().steps == ["pad", "pool"])
  }
}
