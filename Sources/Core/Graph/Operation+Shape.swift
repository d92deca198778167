public import ZooTensor

extension Operation {
  /// The most elements of one result, and the largest extent of a picture, a kernel, a stride or a padding:
  /// BLAS and GPU libraries count in 32 bits.
  public static let maximumElementCount = Int(Int32.max)

  /// The shape of the result for inputs of the given shapes.
  ///
  /// Every number in the operation and in the shapes is checked: nothing that passes here overflows later.
  ///
  /// - Parameter layer: the name of the node, for the message.
  /// - Throws: ``GraphError`` that names the layer, what it expects, what it gets and the remedy.
  public func outputShape(of inputs: [Shape], at layer: String) throws(GraphError) -> Shape {
    let inference = ShapeInference(inputs: inputs, layer: layer)
    let result: Shape
    switch self {
    case .input:
      throw GraphError(
        .inputCount, at: layer, "an input has the shape that it is fed with: take it from the graph's input shapes")
    case .constant(let tensor):
      try inference.expectInputs(0...0, "a constant takes none")
      return tensor.shape
    case .convolution(let options):
      result = try inference.convolution(options)
    case .transposedConvolution(let options):
      result = try inference.transposedConvolution(options)
    case .linear(let activation):
      result = try inference.linear(activation)
    case .matrixMultiply:
      result = try inference.matrixMultiply()
    case .batchNorm(let epsilon):
      result = try inference.batchNorm(epsilon: epsilon)
    case .instanceNorm(let epsilon, let activation):
      result = try inference.instanceNorm(epsilon: epsilon, activation)
    case .activation(let activation):
      try inference.expectInputs(1...1, "an activation takes x")
      try inference.check(activation)
      result = inputs[0]
    case .pad(let mode, let insets):
      result = try inference.pad(mode, insets)
    case .pool(let pool):
      result = try inference.pool(pool)
    case .globalAveragePool:
      try inference.expectInputs(1...1, "global average pooling takes x")
      let picture = try inference.picture("global average pooling")
      result = try inference.shape([picture.batch, 1, 1, picture.channels])
    case .resize(let resize):
      result = try inference.resize(resize)
    case .add(let activation):
      try inference.check(activation)
      result = try inference.broadcast("an addition")
    case .multiply:
      result = try inference.broadcast("a multiplication")
    case .concatenate(let axis):
      result = try inference.concatenate(axis: axis)
    case .reshape(let dimensions):
      result = try inference.reshape(dimensions)
    case .flatten(let axis):
      result = try inference.flatten(axis: axis)
    case .softmax(let axis):
      result = try inference.softmax(axis: axis)
    }
    try inference.checkSize(of: result)
    return result
  }
}

/// The checks that operations share: the inputs of one layer, and its name for messages.
struct ShapeInference {
  let inputs: [Shape]
  let layer: String

  /// The axes of `[N, H, W, C]`.
  struct Picture {
    let batch, height, width, channels: Int

    var extent: Extent { Extent(height: height, width: width) }
  }

  func failure(_ code: GraphError.Code, _ message: String) -> GraphError {
    GraphError(code, at: layer, message)
  }

  func expectInputs(_ count: ClosedRange<Int>, _ takes: String) throws(GraphError) {
    guard count.contains(inputs.count) else {
      throw failure(.inputCount, "\(takes), and gets \(inputs.count) inputs: connect what is listed")
    }
    for (position, shape) in inputs.enumerated() where shape.elementCount == 0 {
      throw failure(
        .emptyResult, "input \(position) has the empty shape \(shape): every extent has to be at least 1")
    }
  }

  /// The first input as a batch of pictures.
  func picture(_ operation: String) throws(GraphError) -> Picture {
    let shape = inputs[0]
    guard shape.rank == 4 else {
      throw failure(
        .rankMismatch, "\(operation) takes [N, H, W, C] and gets \(shape): reshape the tensor before this layer")
    }
    let picture = Picture(batch: shape[0], height: shape[1], width: shape[2], channels: shape[3])
    try checkLimit(of: max(picture.height, picture.width), "the larger side of the picture \(shape)")
    return picture
  }

  /// A vector of parameters, such as a bias.
  func expectVector(_ position: Int, _ name: String, of length: Int, _ unit: String) throws(GraphError) {
    let shape = inputs[position]
    guard shape.rank == 1 else {
      throw failure(
        .rankMismatch, "\(name) is a vector [\(length)] and gets \(shape): reshape it to one dimension")
    }
    guard shape[0] == length else {
      throw failure(
        .shapeMismatch,
        "\(name) has \(shape[0]) elements for \(length) \(unit): take it from the same layer as the other weights")
    }
  }

  func check(_ activation: Activation?) throws(GraphError) {
    if case .leakyReLU(let slope) = activation, !slope.isFinite {
      throw failure(.invalidParameter, "the slope of the leaky ReLU is \(slope): give a finite number")
    }
  }

  func check(epsilon: Float) throws(GraphError) {
    guard epsilon.isFinite, epsilon >= 0 else {
      throw failure(.invalidParameter, "epsilon is \(epsilon): give a finite number that is not negative")
    }
  }

  func check(_ name: String, _ extent: Extent, atLeast minimum: Int) throws(GraphError) {
    guard extent.height >= minimum, extent.width >= minimum else {
      throw failure(
        .invalidParameter,
        "\(name) is \(extent.height)×\(extent.width): both numbers have to be at least \(minimum)")
    }
    try checkLimit(of: max(extent.height, extent.width), name)
  }

  func check(_ insets: Insets) throws(GraphError) {
    for (side, size) in insets.sides {
      guard size >= 0 else {
        throw failure(
          .invalidParameter,
          "the padding at the \(side) is \(size): padding cannot be negative; crop before this layer")
      }
      try checkLimit(of: size, "the padding at the \(side)")
    }
  }

  /// Whether `mode` finds the pixels that it needs in a picture of this size.
  func check(_ mode: PaddingMode, _ insets: Insets, fits picture: Picture) throws(GraphError) {
    guard mode == .reflect else { return }
    let rows = max(insets.top, insets.bottom)
    let columns = max(insets.leading, insets.trailing)
    guard rows < picture.height, columns < picture.width else {
      throw failure(
        .invalidParameter,
        "reflection by \(rows) rows and \(columns) columns needs a picture larger than that and gets "
          + "\(picture.height)×\(picture.width): feed a larger picture")
    }
  }

  func checkLimit(of number: Int, _ name: String) throws(GraphError) {
    guard number <= Operation.maximumElementCount else {
      throw failure(.tooLarge, "\(name) is \(number), and the limit is \(Operation.maximumElementCount)")
    }
  }

  func checkSize(of result: Shape) throws(GraphError) {
    guard result.elementCount > 0 else {
      throw failure(.emptyResult, "the result \(result) is empty: every extent has to be at least 1")
    }
    guard result.elementCount <= Operation.maximumElementCount else {
      throw failure(
        .tooLarge,
        "the result \(result) has \(result.elementCount) elements, and the limit is "
          + "\(Operation.maximumElementCount): feed a smaller batch or picture")
    }
  }

  func shape(_ dimensions: [Int]) throws(GraphError) -> Shape {
    do {
      return try Shape(dimensions)
    } catch {
      throw failure(error.code == .tooLarge ? .tooLarge : .rankMismatch, error.message)
    }
  }

  func product(_ left: Int, _ right: Int, _ name: String) throws(GraphError) -> Int {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    guard !overflow else { throw failure(.tooLarge, "\(name) cannot be counted: \(left) times \(right)") }
    return product
  }

  func sum(_ left: Int, _ right: Int, _ name: String) throws(GraphError) -> Int {
    let (sum, overflow) = left.addingReportingOverflow(right)
    guard !overflow else { throw failure(.tooLarge, "\(name) cannot be counted: \(left) plus \(right)") }
    return sum
  }
}

extension Insets {
  fileprivate var sides: [(name: String, size: Int)] {
    [("top", top), ("bottom", bottom), ("leading edge", leading), ("trailing edge", trailing)]
  }
}
