import ZooTensor

/// Operations on matrices and vectors, and those that only move elements.
extension ShapeInference {
  func linear(_ activation: Activation?) throws(GraphError) -> Shape {
    try expectInputs(2...3, "a linear layer takes x, weight and perhaps bias")
    try check(activation)
    let (x, weight) = (inputs[0], inputs[1])
    guard let features = x.dimensions.last else {
      throw failure(.rankMismatch, "a linear layer takes […, I] and gets a scalar: give at least one axis")
    }
    guard weight.rank == 2 else {
      throw failure(.rankMismatch, "the weight is [O, I] and gets \(weight): give a matrix")
    }
    guard weight[1] == features else {
      throw failure(
        .shapeMismatch,
        "the weight \(weight) expects \(weight[1]) input features and the input \(x) has \(features): "
          + "the weights belong to a layer of another width")
    }
    if inputs.count == 3 { try expectVector(2, "the bias", of: weight[0], "output features") }
    return try shape(x.dimensions.dropLast() + [weight[0]])
  }

  func matrixMultiply() throws(GraphError) -> Shape {
    try expectInputs(2...2, "a matrix product takes a and b")
    let (a, b) = (inputs[0], inputs[1])
    guard a.rank >= 2, b.rank >= 2 else {
      throw failure(.rankMismatch, "a matrix product takes matrices and gets \(a) and \(b): reshape the vector")
    }
    guard b.rank == 2 || a.dimensions.dropLast(2) == b.dimensions.dropLast(2) else {
      throw failure(
        .shapeMismatch,
        "the batches of \(a) and \(b) differ: give as many matrices on both sides, or one matrix on the right")
    }
    let inner = a[a.rank - 1]
    guard inner == b[b.rank - 2] else {
      throw failure(
        .shapeMismatch, "\(a) has \(inner) columns and \(b) has \(b[b.rank - 2]) rows: the two have to be equal")
    }
    return try shape(a.dimensions.dropLast() + [b[b.rank - 1]])
  }

  func batchNorm(epsilon: Float) throws(GraphError) -> Shape {
    try expectInputs(5...5, "batch normalisation takes x, scale, shift, mean and variance")
    try check(epsilon: epsilon)
    guard let channels = inputs[0].dimensions.last else {
      throw failure(.rankMismatch, "batch normalisation takes […, C] and gets a scalar: give at least one axis")
    }
    for (position, name) in ["the scale", "the shift", "the mean", "the variance"].enumerated() {
      try expectVector(position + 1, name, of: channels, "channels")
    }
    return inputs[0]
  }

  func instanceNorm(epsilon: Float, _ activation: Activation?) throws(GraphError) -> Shape {
    guard inputs.count != 2 else {
      throw failure(.inputCount, "instance normalisation takes x, or x, scale and shift, and gets 2 inputs")
    }
    try expectInputs(1...3, "instance normalisation takes x, or x, scale and shift")
    try check(epsilon: epsilon)
    try check(activation)
    let picture = try picture("instance normalisation")
    if inputs.count == 3 {
      try expectVector(1, "the scale", of: picture.channels, "channels")
      try expectVector(2, "the shift", of: picture.channels, "channels")
    }
    return inputs[0]
  }

  func broadcast(_ operation: String) throws(GraphError) -> Shape {
    try expectInputs(2...2, "\(operation) takes a and b")
    let (a, b) = (inputs[0], inputs[1])
    var dimensions: [Int] = []
    for axis in 0..<max(a.rank, b.rank) {
      let left = a.extent(fromEnd: max(a.rank, b.rank) - axis)
      let right = b.extent(fromEnd: max(a.rank, b.rank) - axis)
      guard left == right || left == 1 || right == 1 else {
        throw failure(
          .shapeMismatch,
          "\(a) and \(b) do not fit: aligned at their last axes, extents have to be equal or 1, not \(left) and "
            + "\(right)")
      }
      dimensions.append(max(left, right))
    }
    return try shape(dimensions)
  }

  func concatenate(axis: Int) throws(GraphError) -> Shape {
    try expectInputs(1...Int.max, "a concatenation takes at least one tensor")
    let first = inputs[0]
    guard first.dimensions.indices.contains(axis) else {
      throw failure(.invalidParameter, "axis \(axis) is not an axis of \(first): give one from 0 below \(first.rank)")
    }
    var dimensions = first.dimensions
    for (position, other) in inputs.enumerated().dropFirst() {
      guard other.rank == first.rank else {
        throw failure(
          .rankMismatch, "input \(position) is \(other) and the first is \(first): give tensors of the same rank")
      }
      for index in dimensions.indices where index != axis && other[index] != first[index] {
        throw failure(
          .shapeMismatch,
          "input \(position) is \(other) and the first is \(first): only axis \(axis) may differ, not axis \(index)")
      }
      dimensions[axis] = try sum(dimensions[axis], other[axis], "the extent of axis \(axis)")
    }
    return try shape(dimensions)
  }

  func reshape(_ dimensions: [Int]) throws(GraphError) -> Shape {
    try expectInputs(1...1, "a reshape takes x")
    let x = inputs[0]
    var resolved = dimensions
    var known = 1
    var free: Int?
    for (axis, extent) in dimensions.enumerated() {
      switch extent {
      case -1:
        guard free == nil else {
          throw failure(.invalidParameter, "\(dimensions) leaves more than one extent open: write −1 once")
        }
        free = axis
        continue
      case 0:
        guard axis < x.rank else {
          throw failure(
            .invalidParameter,
            "\(dimensions) keeps axis \(axis), which \(x) does not have: write its extent instead of 0")
        }
        resolved[axis] = x[axis]
      case ..<0:
        throw failure(.invalidParameter, "\(dimensions) has the negative extent \(extent): only −1 is allowed")
      default:
        break
      }
      known = try product(known, resolved[axis], "the number of elements of \(dimensions)")
    }
    if let free {
      guard x.elementCount % known == 0 else {
        throw failure(
          .shapeMismatch, "the \(x.elementCount) elements of \(x) cannot be divided among \(dimensions) evenly")
      }
      resolved[free] = x.elementCount / known
    } else if known != x.elementCount {
      throw failure(
        .shapeMismatch, "\(x) has \(x.elementCount) elements and \(dimensions) takes \(known): make the two equal")
    }
    return try shape(resolved)
  }

  func flatten(axis: Int) throws(GraphError) -> Shape {
    try expectInputs(1...1, "flattening takes x")
    let x = inputs[0]
    guard x.dimensions.indices.contains(axis) else {
      throw failure(.invalidParameter, "axis \(axis) is not an axis of \(x): give one from 0 below \(x.rank)")
    }
    // The product of a part of the extents is no larger than that of all, which is known to fit.
    return try shape(x.dimensions[..<axis] + [x.dimensions[axis...].reduce(1, *)])
  }

  func softmax(axis: Int) throws(GraphError) -> Shape {
    try expectInputs(1...1, "a softmax takes x")
    let x = inputs[0]
    guard axis >= -x.rank, axis < x.rank else {
      throw failure(
        .invalidParameter, "axis \(axis) is not an axis of \(x): give one from −\(x.rank) below \(x.rank)")
    }
    return x
  }
}

extension Shape {
  /// The extent of an axis counted from the end, 1 for axes that are not there.
  fileprivate func extent(fromEnd distance: Int) -> Int {
    distance <= rank ? self[rank - distance] : 1
  }
}
