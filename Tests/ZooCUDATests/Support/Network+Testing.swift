import ZooGraph
import ZooOpParity
import ZooTensor

/// Two convolutions, an instance normalisation and a residual: every kind of step that a network has many of.
func smallNetwork(_ shape: Shape = [1, 12, 10, 8]) throws -> Graph {
  let builder = GraphBuilder()
  var numbers = SeededNumbers(seed: "small network")
  let x = try builder.input("x", shape: shape)
  let channels = shape[3]
  let same = Convolution(padding: .explicit(Insets(1)), paddingMode: .reflect)
  let first = try Conv2D(
    "first", filter: numbers.tensor([channels, channels, 3, 3]), bias: numbers.tensor([channels]), same)(x)
  let second = try Conv2D(
    "second", filter: numbers.tensor([channels, channels, 3, 3]), same)(InstanceNorm("norm")(first).relu())
  return builder.graph(outputs: [("y", try x + InstanceNorm("last")(second))])
}

func inputs(_ shape: Shape, seed: String = "inputs") throws -> [Tensor] {
  var numbers = SeededNumbers(seed: seed)
  return [try numbers.tensor(shape, in: -1...1)]
}
