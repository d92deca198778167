public import ZooPluginKit

/// The generator of CycleGAN (arXiv 1703.10593, appendix 7.2): c7s1-64, d128, d256, R256 × blocks, u128, u64, c7s1-3.
///
/// Names of tensors are those of the official PyTorch code, where the generator is one sequence: `model.0` pads,
/// `model.1` is c7s1-64, `model.4` and `model.7` are d128 and d256, the blocks start at `model.10`. Widths are read off
/// the weights, so compressed descendants (arXiv 2003.08936) load as they are.
public struct ResNetGenerator: Generator {
  let stem, down1, down2: ConvNormReLU
  let blocks: [ResidualBlock]
  let up1, up2: Upsampling
  let head: Conv2D

  public init(_ weights: Weights, options: Options) throws {
    let reflected = Convolution(paddingMode: .reflect)
    stem = try ConvNormReLU(
      weights, conv: "model.1", norm: "model.2", options, reflected.padded(by: 3))
    let down = Convolution(stride: Extent(2), padding: .explicit(Insets(1)))
    down1 = try ConvNormReLU(weights, conv: "model.4", norm: "model.5", options, down)
    down2 = try ConvNormReLU(weights, conv: "model.7", norm: "model.8", options, down)
    blocks = try (10..<10 + options.blocks).map { try ResidualBlock(weights, "model.\($0)", options) }
    var index = 10 + options.blocks
    up1 = try Upsampling(weights, index: &index, options)
    up2 = try Upsampling(weights, index: &index, options)
    head = try Conv2D(weights, "model.\(index + 1)", reflected.padded(by: 3))
  }

  /// - Parameter photo: `[N, H, W, 3]`, values in −1…1; H and W are multiples of 4.
  /// - Returns: the translated picture, same shape and range.
  public func callAsFunction(_ photo: Value) throws -> Value {
    var x = try down2(down1(stem(photo)))
    for block in blocks { x = try block(x) }
    return try head(up2(up1(x))).tanh()
  }

  public struct Options: Sendable {
    public enum Normalization: Sendable { case instance, instanceAffine, batch }

    public var blocks: Int
    public var normalization: Normalization
    public var epsilon: Float
    public var resizesToUpsample: Bool
    public var isSeparable: Bool
    /// Dropout does nothing here, but it stands in the sequence and shifts the names behind it.
    public var hasDropout: Bool

    public init(
      blocks: Int = 9, normalization: Normalization = .instance, epsilon: Float = 1e-5,
      resizesToUpsample: Bool = false, isSeparable: Bool = false, hasDropout: Bool = false
    ) {
      self.blocks = blocks
      self.normalization = normalization
      self.epsilon = epsilon
      self.resizesToUpsample = resizesToUpsample
      self.isSeparable = isSeparable
      self.hasDropout = hasDropout
    }
  }
}

/// x + F(x), F being twice a 3×3 convolution behind reflection padding, normalised; ReLU in between.
struct ResidualBlock: Sendable {
  let first, second: BlockConv
  let firstNorm, secondNorm: Normalization

  init(_ weights: Weights, _ name: String, _ options: ResNetGenerator.Options) throws {
    let second = options.hasDropout ? 6 : 5
    first = try BlockConv(weights, "\(name).conv_block.1", options)
    firstNorm = try Normalization(weights, "\(name).conv_block.2", options)
    self.second = try BlockConv(weights, "\(name).conv_block.\(second)", options)
    secondNorm = try Normalization(weights, "\(name).conv_block.\(second + 1)", options)
  }

  func callAsFunction(_ x: Value) throws -> Value {
    let y = try firstNorm(first(x)).relu()
    return try x + secondNorm(second(y))
  }
}

/// The 3×3 convolution of a residual block: whole, or depthwise, normalised and pointwise.
enum BlockConv: Sendable {
  case standard(Conv2D)
  case separable(depthwise: Conv2D, norm: Normalization, pointwise: Conv2D)

  init(_ weights: Weights, _ name: String, _ options: ResNetGenerator.Options) throws {
    let reflected = Convolution(paddingMode: .reflect).padded(by: 1)
    if options.isSeparable {
      var depthwise = try Conv2D(weights, "\(name).conv.0", reflected)
      depthwise.options.groups = depthwise.filter.shape[0]
      self = .separable(
        depthwise: depthwise, norm: try Normalization(weights, "\(name).conv.1", options),
        pointwise: try Conv2D(weights, "\(name).conv.2"))
    } else {
      self = .standard(try Conv2D(weights, name, reflected))
    }
  }

  func callAsFunction(_ x: Value) throws -> Value {
    switch self {
    case .standard(let conv): try conv(x)
    case .separable(let depthwise, let norm, let pointwise): try pointwise(norm(depthwise(x)))
    }
  }
}

struct ConvNormReLU: Sendable {
  let conv: Conv2D
  let norm: Normalization

  init(
    _ weights: Weights, conv: String, norm: String, _ options: ResNetGenerator.Options, _ convolution: Convolution
  ) throws {
    self.conv = try Conv2D(weights, conv, convolution)
    self.norm = try Normalization(weights, norm, options)
  }

  func callAsFunction(_ x: Value) throws -> Value {
    try norm(conv(x)).relu()
  }
}

/// Twice the height and width: a transposed convolution, or nearest-neighbour enlargement and a convolution.
struct Upsampling: Sendable {
  enum Conv: Sendable {
    case transposed(ConvTranspose2D)
    case resized(Conv2D)
  }

  let conv: Conv
  let norm: Normalization

  /// - Parameter index: of the first entry in the sequence; moved behind the last.
  init(_ weights: Weights, index: inout Int, _ options: ResNetGenerator.Options) throws {
    if options.resizesToUpsample {
      // Enlarge, pad, convolve, normalise, ReLU.
      conv = .resized(try Conv2D(weights, "model.\(index + 2)", Convolution(paddingMode: .reflect).padded(by: 1)))
      norm = try Normalization(weights, "model.\(index + 3)", options)
      index += 5
    } else {
      conv = .transposed(
        try ConvTranspose2D(
          weights, "model.\(index)",
          TransposedConvolution(stride: Extent(2), padding: Extent(1), outputPadding: Extent(1))))
      norm = try Normalization(weights, "model.\(index + 1)", options)
      index += 3
    }
  }

  func callAsFunction(_ x: Value) throws -> Value {
    switch conv {
    case .transposed(let conv): try norm(conv(x)).relu()
    case .resized(let conv): try norm(conv(x.resized(.nearest, scale: 2))).relu()
    }
  }
}

/// The normalisation that the generator was trained with.
enum Normalization: Sendable {
  case instance(InstanceNorm)
  case batch(BatchNorm)

  init(_ weights: Weights, _ name: String, _ options: ResNetGenerator.Options) throws {
    switch options.normalization {
    case .instance: self = .instance(InstanceNorm(name, epsilon: options.epsilon))
    case .instanceAffine: self = .instance(try InstanceNorm(weights, name, epsilon: options.epsilon))
    case .batch: self = .batch(try BatchNorm(weights, name, epsilon: options.epsilon))
    }
  }

  func callAsFunction(_ x: Value) throws -> Value {
    switch self {
    case .instance(let norm): try norm(x)
    case .batch(let norm): try norm(x)
    }
  }
}

extension Convolution {
  /// The same with `count` rows and columns of padding on every side.
  func padded(by count: Int) -> Convolution {
    var options = self
    options.padding = .explicit(Insets(count))
    return options
  }
}
