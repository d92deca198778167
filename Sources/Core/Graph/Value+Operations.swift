/// The operations without weights, as methods: `x.relu()`, `x.padded(.reflect, Insets(3))`, `x + y`.
extension Value {
  public func activated(by activation: Activation) throws(GraphError) -> Value {
    try builder.apply(.activation(activation), to: [self], name: activation.name)
  }

  public func relu() throws(GraphError) -> Value { try activated(by: .relu) }
  public func relu6() throws(GraphError) -> Value { try activated(by: .relu6) }
  public func sigmoid() throws(GraphError) -> Value { try activated(by: .sigmoid) }
  public func tanh() throws(GraphError) -> Value { try activated(by: .tanh) }

  public func padded(_ mode: PaddingMode, _ insets: Insets) throws(GraphError) -> Value {
    try builder.apply(.pad(mode, insets), to: [self], name: "pad")
  }

  public func pooled(_ pool: Pool) throws(GraphError) -> Value {
    try builder.apply(.pool(pool), to: [self], name: "pool")
  }

  /// `[N, H, W, C]` → `[N, 1, 1, C]`.
  public func globalAveragePooled() throws(GraphError) -> Value {
    try builder.apply(.globalAveragePool, to: [self], name: "globalAveragePool")
  }

  public func resized(_ method: Resize.Method, scale: Int) throws(GraphError) -> Value {
    try builder.apply(.resize(Resize(method, scale: Extent(scale))), to: [self], name: "resize")
  }

  public func adding(_ other: Value, activation: Activation? = nil) throws(GraphError) -> Value {
    try builder.apply(.add(activation: activation), to: [self, other], name: "add")
  }

  public func multiplied(by other: Value) throws(GraphError) -> Value {
    try builder.apply(.multiply, to: [self, other], name: "multiply")
  }

  public func matrixMultiplied(by other: Value) throws(GraphError) -> Value {
    try builder.apply(.matrixMultiply, to: [self, other], name: "matrixMultiply")
  }

  public func concatenated(with others: [Value], axis: Int) throws(GraphError) -> Value {
    try builder.apply(.concatenate(axis: axis), to: [self] + others, name: "concatenate")
  }

  public func reshaped(to dimensions: [Int]) throws(GraphError) -> Value {
    try builder.apply(.reshape(dimensions), to: [self], name: "reshape")
  }

  public func flattened(from axis: Int = 1) throws(GraphError) -> Value {
    try builder.apply(.flatten(axis: axis), to: [self], name: "flatten")
  }

  public func softmax(axis: Int = -1) throws(GraphError) -> Value {
    try builder.apply(.softmax(axis: axis), to: [self], name: "softmax")
  }

  /// A residual connection.
  public static func + (left: Value, right: Value) throws(GraphError) -> Value {
    try left.adding(right)
  }
}

extension Activation {
  /// The field's name of it, for layers and messages.
  public var name: String {
    switch self {
    case .relu: "relu"
    case .relu6: "relu6"
    case .leakyReLU: "leakyReLU"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .silu: "silu"
    case .hardSwish: "hardSwish"
    }
  }
}
