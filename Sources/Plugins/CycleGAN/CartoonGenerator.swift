public import ZooPluginKit

/// The generator of CartoonGAN (Chen, Lai and Liu, CVPR 2018, figure 2): CycleGAN's, with a second convolution at each
/// scale, zero padding outside the residual blocks and affine instance norm.
public struct CartoonGenerator: Generator {
  private static let zeroPadded = Convolution(padding: .explicit(Insets(1)))

  let stem: Conv2D
  let stemNorm: InstanceNorm
  let downs: [(strided: Conv2D, conv: Conv2D, norm: InstanceNorm)]
  let blocks: [(first: Conv2D, firstNorm: InstanceNorm, second: Conv2D, secondNorm: InstanceNorm)]
  let ups: [(transposed: ConvTranspose2D, conv: Conv2D, norm: InstanceNorm)]
  let head: Conv2D

  public init(_ weights: Weights, blocks: Int, epsilon: Float) throws {
    func norm(_ name: String) throws -> InstanceNorm {
      try InstanceNorm(weights, name, scale: "scale", shift: "shift", epsilon: epsilon)
    }
    func label(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let reflected = Convolution(paddingMode: .reflect)

    stem = try Conv2D(weights, "conv01_1", reflected.padded(by: 3))
    stemNorm = try norm("in01_1")
    downs = try [2, 3].map { stage in
      var strided = Self.zeroPadded
      strided.stride = Extent(2)
      let name = label(stage)
      return (
        try Conv2D(weights, "conv\(name)_1", strided), try Conv2D(weights, "conv\(name)_2", Self.zeroPadded),
        try norm("in\(name)_1")
      )
    }
    self.blocks = try (4..<4 + blocks).map { block in
      let name = label(block)
      return (
        try Conv2D(weights, "conv\(name)_1", reflected.padded(by: 1)), try norm("in\(name)_1"),
        try Conv2D(weights, "conv\(name)_2", reflected.padded(by: 1)), try norm("in\(name)_2")
      )
    }
    ups = try [1, 2].map { stage in
      (
        try ConvTranspose2D(
          weights, "deconv\(label(stage))_1",
          TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1))),
        try Conv2D(weights, "deconv\(label(stage))_2", Self.zeroPadded),
        try norm("in\(label(3 + blocks + stage))_1")
      )
    }
    head = try Conv2D(weights, "deconv03_1", reflected.padded(by: 3))
  }

  public func callAsFunction(_ photo: Value) throws -> Value {
    var x = try stemNorm(stem(photo)).relu()
    for (strided, conv, norm) in downs { x = try norm(conv(strided(x))).relu() }
    for (first, firstNorm, second, secondNorm) in blocks {
      x = try x + secondNorm(second(firstNorm(first(x)).relu()))
    }
    for (transposed, conv, norm) in ups { x = try norm(conv(transposed(x))).relu() }
    return try head(x).tanh()
  }
}
