import ZooBackend
import ZooGraph
import ZooOpParity
import ZooTensor

/// A network with every kind of kernel, large enough that each has several pieces of work.
enum TestNetwork {
  static let shape: Shape = [1, 40, 36, 20]

  static func parityCase(batch: Int) throws -> ParityCase {
    var numbers = SeededNumbers(seed: "test network")
    let input = try Shape([batch] + shape.dimensions.dropFirst())
    return ParityCase("test network", graph: try graph(), inputs: [try numbers.tensor(input)])
  }

  static func graph() throws -> Graph {
    var numbers = SeededNumbers(seed: "weights")
    func weights(_ shape: Shape, fanIn: Int) throws -> Tensor {
      let bound = 1.5 / Float(fanIn).squareRoot()
      return try numbers.tensor(shape, in: -bound...bound)
    }
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: shape)
    let stem = Conv2D(
      "stem", filter: try weights([72, 20, 3, 3], fanIn: 180), bias: try weights([72], fanIn: 1),
      Convolution(padding: .explicit(Insets(1)), paddingMode: .reflect, activation: .silu))
    var y = try InstanceNorm("norm")(stem(x)).relu()
    y = try Conv2D(
      "depthwise", filter: try weights([72, 1, 3, 3], fanIn: 9),
      Convolution(stride: Extent(2), groups: 72, padding: .same, activation: .relu6))(y)
    let wide = try Conv2D(
      "pointwise", filter: try weights([144, 72, 1, 1], fanIn: 72), bias: try weights([144], fanIn: 1))(y)
    let grouped = try Conv2D(
      "grouped", filter: try weights([144, 36, 3, 3], fanIn: 324), Convolution(groups: 4, padding: .same))(wide)
    y = try (wide + grouped).pooled(Pool(.maximum, window: Extent(2), stride: Extent(2)))
    y = try ConvTranspose2D(
      "up", filter: try weights([144, 40, 3, 3], fanIn: 324), bias: try weights([40], fanIn: 1),
      TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1)))(y)
    let pooled = try y.globalAveragePooled()
    let logits = try Linear(
      "head", weight: try weights([1000, 40], fanIn: 40), bias: try weights([1000], fanIn: 1))(pooled.flattened())
    let picture = try y.multiplied(by: pooled).resized(.bilinear, scale: 2).tanh()
    return builder.graph(outputs: [("picture", picture), ("probabilities", try logits.softmax())])
  }
}
