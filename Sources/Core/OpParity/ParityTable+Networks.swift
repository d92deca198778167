import ZooGraph
import ZooTensor

extension ParityTable {
  /// Small networks of the shapes that people use.
  static func networks() throws -> [ParityCase] {
    try [
      network("CycleGAN block", [2, 8, 6, 5]) { x, weights in
        func half(_ x: Value, _ name: String) throws -> Value {
          let y = try weights.conv(name, x.padded(.reflect, Insets(1)), to: 5)
          return try InstanceNorm("\(name).norm")(y)
        }
        return try x + half(half(x, "first").relu(), "second")
      },
      network("CycleGAN's ends", [1, 8, 8, 3]) { x, weights in
        let stem = try weights.conv("stem", x.padded(.reflect, Insets(3)), to: 4, kernel: 7)
        let down = try weights.conv(
          "down", InstanceNorm("norm")(stem).relu(), to: 6,
          Convolution(stride: Extent(2), padding: .explicit(Insets(1))))
        let up = try weights.transposedConv(
          "up", down, to: 4,
          TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1)))
        let y = try InstanceNorm("norm2", affine: (weights.tensor([4]), weights.tensor([4])))(up).relu()
        return try weights.conv("head", y.padded(.reflect, Insets(3)), to: 3, kernel: 7).tanh()
      },
      network("ResNet bottleneck", [3, 7, 5, 8]) { x, weights in
        var y = try weights.norm("bn1", weights.conv("conv1", x, to: 4, kernel: 1)).relu()
        y = try weights.conv("conv2", y, to: 4, Convolution(stride: Extent(2), padding: .explicit(Insets(1))))
        y = try weights.norm("bn2", y).relu()
        y = try weights.norm("bn3", weights.conv("conv3", y, to: 16, kernel: 1))
        let shortcut = try weights.conv("down", x, to: 16, kernel: 1, Convolution(stride: Extent(2)))
        return try (y + weights.norm("down.bn", shortcut)).relu()
      },
      network("inverted residual", [2, 6, 9, 6]) { x, weights in
        var y = try weights.norm("bn1", weights.conv("expand", x, to: 19, kernel: 1)).relu6()
        y = try weights.conv("depthwise", y, to: 19, Convolution(groups: 19, padding: .same))
        y = try weights.norm("bn2", y).relu6()
        return try x + weights.norm("bn3", weights.conv("project", y, to: 6, kernel: 1))
      },
      network("squeeze and excitation", [2, 5, 4, 6]) { x, weights in
        let squeezed = try weights.conv("reduce", x.globalAveragePooled(), to: 2, kernel: 1).activated(by: .silu)
        return try x.multiplied(by: weights.conv("expand", squeezed, to: 6, kernel: 1).sigmoid())
      },
      network("classifier", [3, 9, 7, 3]) { x, weights in
        var y = try weights.conv("stem", x, to: 8, Convolution(stride: Extent(2), padding: .same))
        y = try weights.norm("bn", y).activated(by: .hardSwish)
        y = try y.pooled(Pool(.maximum, window: Extent(3), stride: Extent(2), padding: Insets(1)))
        y = try y.globalAveragePooled().flattened()
        return try Linear("head", weight: weights.tensor([11, 8]), bias: weights.tensor([11]))(y).softmax()
      },
      network("U-Net step", [1, 6, 8, 4]) { x, weights in
        let low = try weights.conv("down", x, to: 6, Convolution(stride: Extent(2), padding: .explicit(Insets(1))))
        let up = try low.activated(by: .leakyReLU(slope: 0.2)).resized(.bilinear, scale: 2)
        return try weights.conv("merge", x.concatenated(with: [up], axis: 3), to: 5, Convolution(padding: .same))
      },
      network("attention over pixels", [2, 3, 4, 5]) { x, weights in
        let tokens = try x.reshaped(to: [0, 12, 5])
        let values = try Linear("values", weight: weights.tensor([7, 5]))(tokens)
        let scores = try Linear("scores", weight: weights.tensor([12, 5]), bias: weights.tensor([12]))(tokens)
        return try scores.softmax().matrixMultiplied(by: values).reshaped(to: [-1, 3, 4, 7])
      },
    ]
  }

  private static func network(
    _ name: String, _ shape: Shape, _ body: (Value, RandomWeights) throws -> Value
  ) throws -> ParityCase {
    let weights = RandomWeights(SeededNumbers(seed: name))
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: shape)
    let y = try body(x, weights)
    return ParityCase(
      "network: \(name)", graph: builder.graph(outputs: [("y", y)]), inputs: [try weights.tensor(shape)])
  }
}

/// Layers with random weights, scaled so that the size of numbers stays the same through a network.
final class RandomWeights {
  var numbers: SeededNumbers

  init(_ numbers: SeededNumbers) {
    self.numbers = numbers
  }

  func tensor(_ shape: Shape, in range: ClosedRange<Float> = -1...1) throws -> Tensor {
    try numbers.tensor(shape, in: range)
  }

  func filter(_ shape: Shape, fanIn: Int) throws -> Tensor {
    let bound = (3 / Float(max(fanIn, 1))).squareRoot()
    return try tensor(shape, in: -bound...bound)
  }

  func conv(
    _ name: String, _ x: Value, to outputs: Int, kernel: Int = 3, _ options: Convolution = Convolution(),
    bias: Bool = true
  ) throws -> Value {
    let inputs = x.shape[3] / options.groups
    let filter = try filter([outputs, inputs, kernel, kernel], fanIn: inputs * kernel * kernel)
    return try Conv2D(name, filter: filter, bias: bias ? tensor([outputs]) : nil, options)(x)
  }

  func transposedConv(
    _ name: String, _ x: Value, to outputs: Int, kernel: Int = 3, _ options: TransposedConvolution, bias: Bool = true
  ) throws -> Value {
    let filter = try filter(
      [x.shape[3], outputs / options.groups, kernel, kernel], fanIn: x.shape[3] / options.groups * kernel)
    return try ConvTranspose2D(name, filter: filter, bias: bias ? tensor([outputs]) : nil, options)(x)
  }

  func norm(_ name: String, _ x: Value) throws -> Value {
    let channels: Shape = [x.shape[x.shape.rank - 1]]
    return try BatchNorm(
      name, scale: tensor(channels, in: 0.5...1.5), shift: tensor(channels), mean: tensor(channels),
      variance: tensor(channels, in: 0.5...2))(x)
  }
}
