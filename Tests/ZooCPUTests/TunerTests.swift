import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

@testable import ZooCPU

struct TunerTests {
  /// A convolution that can be computed in five ways.
  private static let shape: Shape = [1, 14, 14, 48]

  private func graph() throws -> Graph {
    var numbers = SeededNumbers(seed: "tuned convolution")
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: Self.shape)
    let conv = Conv2D(
      "conv", filter: try numbers.tensor([32, 48, 3, 3], in: -0.1...0.1), Convolution(padding: .same))
    return builder.graph(outputs: [("y", try conv(x))])
  }

  /// The algorithm of the convolution, and its result.
  private func run(_ tuning: Tuning) throws -> (algorithm: String, result: [Float]) {
    var numbers = SeededNumbers(seed: "tuned input")
    let input = try numbers.tensor(Self.shape, in: -1...1)
    let executable = try #require(
      try CPUBackend(threads: 1).compile(graph(), options: CompileOptions(tuning: tuning)) as? CPUExecutable)
    return (try executable.profile([input])[0].algorithm, try executable.run([input])[0].floats())
  }

  @Test("what is measured is kept by layer, and not measured again")
  func measures() throws {
    let tuning = Tuning(measures: true)
    let first = try run(tuning)
    #expect(tuning.hasChanged)
    #expect(tuning.choices.count == 1)
    let layer = try #require(tuning.choices.keys.first)
    #expect(layer.contains("filter [32, 48, 3, 3]") && layer.contains("1 thread"))

    let known = Tuning(tuning.choices, measures: true)
    #expect(try run(known).algorithm == first.algorithm)
    #expect(!known.hasChanged)
  }

  @Test(
    "what was measured decides, and every way gives the same",
    arguments: [
      ("im2col", "im2col"), ("direct", "direct"), ("winograd F(2×2)", "winograd 2×2"),
      ("winograd F(4×4)", "winograd 4×4"),
      ("winograd F(6×6)", "winograd 6×6"),
    ])
  func decides(choice: String, algorithm: String) throws {
    let usual = Tuning(measures: true)
    let expected = try run(usual).result
    let layer = try #require(usual.choices.keys.first)
    let (taken, result) = try run(Tuning([layer: choice]))
    #expect(taken == algorithm)
    #expect(zip(result, expected).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test("what is no way of computing the layer is passed over, and without a measurement nothing is recorded")
  func passesOver() throws {
    let usual = Tuning()
    let expected = try run(usual)
    #expect(usual.choices.isEmpty && !usual.hasChanged)
    let measured = Tuning(measures: true)
    _ = try run(measured)
    let layer = try #require(measured.choices.keys.first)
    #expect(try run(Tuning([layer: "depthwise"])).algorithm == expected.algorithm)
  }
}
