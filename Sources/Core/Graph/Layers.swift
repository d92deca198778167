public import ZooTensor

/// Layers are values that hold weights and add nodes to a graph when they are called: `let y = try conv(x)`.

/// A convolution with its weights.
public struct Conv2D: Sendable {
  public var name: String
  /// `[O, C/groups, kH, kW]`
  public var filter: Tensor
  /// `[O]`
  public var bias: Tensor?
  public var options: Convolution

  public init(_ name: String, filter: Tensor, bias: Tensor? = nil, _ options: Convolution = Convolution()) {
    self.name = name
    self.filter = filter
    self.bias = bias
    self.options = options
  }

  /// - Parameter x: `[N, H, W, C]`
  /// - Returns: `[N, H', W', O]`
  public func callAsFunction(_ x: Value) throws(GraphError) -> Value {
    try x.apply(.convolution(options), constants: [("weight", filter), ("bias", bias)], name: name)
  }
}

/// A transposed convolution with its weights.
public struct ConvTranspose2D: Sendable {
  public var name: String
  /// `[C, O/groups, kH, kW]`
  public var filter: Tensor
  /// `[O]`
  public var bias: Tensor?
  public var options: TransposedConvolution

  public init(
    _ name: String, filter: Tensor, bias: Tensor? = nil, _ options: TransposedConvolution = TransposedConvolution()
  ) {
    self.name = name
    self.filter = filter
    self.bias = bias
    self.options = options
  }

  /// - Parameter x: `[N, H, W, C]`
  /// - Returns: `[N, H', W', O]`
  public func callAsFunction(_ x: Value) throws(GraphError) -> Value {
    try x.apply(.transposedConvolution(options), constants: [("weight", filter), ("bias", bias)], name: name)
  }
}

/// A fully connected layer with its weights.
public struct Linear: Sendable {
  public var name: String
  /// `[O, I]`
  public var weight: Tensor
  /// `[O]`
  public var bias: Tensor?

  public init(_ name: String, weight: Tensor, bias: Tensor? = nil) {
    self.name = name
    self.weight = weight
    self.bias = bias
  }

  /// - Parameter x: `[…, I]`
  /// - Returns: `[…, O]`
  public func callAsFunction(_ x: Value) throws(GraphError) -> Value {
    try x.apply(.linear(activation: nil), constants: [("weight", weight), ("bias", bias)], name: name)
  }
}

/// Batch normalisation with the statistics of training (arXiv 1502.03167, algorithm 2).
public struct BatchNorm: Sendable {
  public var name: String
  /// γ, β, running mean and running variance, each `[C]`.
  public var scale, shift, mean, variance: Tensor
  public var epsilon: Float

  public init(
    _ name: String, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, epsilon: Float = 1e-5
  ) {
    self.name = name
    self.scale = scale
    self.shift = shift
    self.mean = mean
    self.variance = variance
    self.epsilon = epsilon
  }

  /// - Parameter x: `[…, C]`
  public func callAsFunction(_ x: Value) throws(GraphError) -> Value {
    try x.apply(
      .batchNorm(epsilon: epsilon),
      constants: [("scale", scale), ("shift", shift), ("mean", mean), ("variance", variance)], name: name)
  }
}

/// Instance normalisation (arXiv 1607.08022): every channel of every picture by its own mean and variance.
public struct InstanceNorm: Sendable {
  public var name: String
  /// γ and β, each `[C]`; none for the plain form that CycleGAN uses.
  public var affine: (scale: Tensor, shift: Tensor)?
  public var epsilon: Float

  public init(_ name: String, affine: (scale: Tensor, shift: Tensor)? = nil, epsilon: Float = 1e-5) {
    self.name = name
    self.affine = affine
    self.epsilon = epsilon
  }

  /// - Parameter x: `[N, H, W, C]`
  public func callAsFunction(_ x: Value) throws(GraphError) -> Value {
    try x.apply(
      .instanceNorm(epsilon: epsilon, activation: nil),
      constants: [("scale", affine?.scale), ("shift", affine?.shift)], name: name)
  }
}

extension Value {
  /// Adds `operation` on this value and on the constants that are there.
  fileprivate func apply(
    _ operation: Operation, constants: [(name: String, tensor: Tensor?)], name: String
  ) throws(GraphError) -> Value {
    var operands = [self]
    for constant in constants {
      if let tensor = constant.tensor {
        operands.append(try builder.constant(tensor, name: "\(name).\(constant.name)"))
      }
    }
    return try builder.apply(operation, to: operands, name: name)
  }
}
