import ZooGraph
import ZooTensor

extension ParityTable {
  static func elementwise() throws -> [ParityCase] {
    var cases: [ParityCase] = []
    for activation in activations {
      for x in [[1], [2, 7, 5, 3], [4099]] as [Shape] {
        cases.append(
          try ParityCase("activation: \(activation.name) \(x)", .activation(activation), inputs: [x], in: -8...8))
      }
      cases.append(
        try ParityCase("add: \(activation.name)", .add(activation: activation), inputs: [[2, 5, 3, 7], [2, 5, 3, 7]]))
    }
    let broadcasts: [(Shape, Shape)] = [
      ([2, 7, 5, 3], [2, 7, 5, 3]), ([2, 7, 5, 3], [3]), ([3], [2, 7, 5, 3]), ([2, 7, 5, 3], [2, 1, 1, 3]),
      ([2, 7, 5, 3], [1, 7, 5, 1]), ([2, 7, 5, 3], [7, 1, 1]), ([2, 1, 5, 1], [1, 7, 1, 3]), ([1], [2, 3]),
      ([], [2, 3]), ([], []), ([5, 1], [1, 7]), ([33], [33]),
    ]
    for (a, b) in broadcasts {
      cases.append(try ParityCase("add: \(a) and \(b)", .add(activation: nil), inputs: [a, b]))
      cases.append(try ParityCase("multiply: \(a) and \(b)", .multiply, inputs: [a, b]))
    }
    let x: Shape = [2, 3, 4, 5]
    cases.append(try ParityCase("add: constant", .add(activation: nil), inputs: [x]) { try [$0.tensor([5])] })
    cases.append(try ParityCase("multiply: constant", .multiply, inputs: [x]) { try [$0.tensor([1, 3, 1, 1])] })
    return cases
  }

  static func layout() throws -> [ParityCase] {
    var cases: [ParityCase] = []
    for axis in 0..<4 {
      func shape(_ extent: Int) throws -> Shape {
        var dimensions = [2, 3, 4, 5]
        dimensions[axis] = extent
        return try Shape(dimensions)
      }
      cases.append(
        try ParityCase(
          "concatenate: axis \(axis)", .concatenate(axis: axis), inputs: [shape(1), shape(7), shape(2)]))
    }
    cases.append(try ParityCase("concatenate: vectors", .concatenate(axis: 0), inputs: [[3], [1], [4]]))
    cases.append(try ParityCase("concatenate: one tensor", .concatenate(axis: 1), inputs: [[2, 3]]))
    cases.append(
      try ParityCase("concatenate: with a constant", .concatenate(axis: 3), inputs: [[1, 2, 2, 3]]) {
        try [$0.tensor([1, 2, 2, 2])]
      })
    cases.append(try sharedOperand())
    for (x, dimensions) in [
      ([2, 3, 4, 5], [0, -1, 5]), ([6, 5], [2, 3, 5]), ([7], [-1]), ([2, 3, 4], [24]), ([1], []), ([2, 3], [0, 0]),
    ] as [(Shape, [Int])] {
      cases.append(try ParityCase("reshape: \(x) to \(dimensions)", .reshape(dimensions), inputs: [x]))
    }
    for axis in 0..<4 {
      cases.append(try ParityCase("flatten: axis \(axis)", .flatten(axis: axis), inputs: [[2, 3, 4, 5]]))
    }
    return cases
  }

  /// Input, result and a result on the way are all answered, and one of them twice: buffers must not be reused early.
  private static func sharedOperand() throws -> ParityCase {
    var numbers = SeededNumbers(seed: "shared operand")
    let input = try numbers.tensor([1, 3, 4, 5])
    let builder = GraphBuilder()
    let x = try builder.input("x", shape: input.shape)
    let y = try x.relu()
    let z = try (y + x).concatenated(with: [y, y], axis: 3)
    let flat = try y.flattened()
    let outputs: [(name: String, value: Value)] = [
      ("z", z), ("y", y), ("x", x), ("flat", flat), ("again", y), ("constant", try builder.constant(input, name: "c")),
    ]
    return ParityCase("outputs: input, constant, one twice", graph: builder.graph(outputs: outputs), inputs: [input])
  }

  /// Numbers at the ends of float32's range, and none at all.
  static func extremes() throws -> [ParityCase] {
    let special = try Tensor(
      [.nan, .infinity, -.infinity, 0, -0.0, 0x1p-133, -0x1p-133, 1e37, -1e37, 1, -1, 90, -90, 20, -20, 6] as [Float],
      shape: [1, 4, 4, 1])
    var cases: [ParityCase] = []
    for activation in activations {
      // x·sigmoid(x) and its like are −∞·0 there: nothing to agree on.
      let elements = special.floats().filter { [.silu, .hardSwish].contains(activation) ? $0 != -.infinity : true }
      cases.append(
        try ParityCase(
          "extremes: \(activation.name)", .activation(activation),
          inputs: [Tensor(elements, shape: Shape([elements.count]))]))
    }
    cases.append(
      try ParityCase(
        "extremes: maximum pooling", .pool(Pool(.maximum, window: Extent(2), stride: Extent(2))), inputs: [special]))
    cases.append(
      try ParityCase(
        "extremes: average pooling", .pool(Pool(.average(countsPadding: false), window: Extent(1), stride: Extent(2))),
        inputs: [special]))
    cases.append(try ParityCase("extremes: pad", .pad(.reflect, Insets(2)), inputs: [special]))
    cases.append(
      try ParityCase(
        "extremes: multiply", .multiply, inputs: [special], constants: [Tensor([0.5] as [Float], shape: [1])]))
    cases.append(
      try ParityCase(
        "extremes: softmax over −∞", .softmax(axis: -1),
        inputs: [Tensor([1, -.infinity, 2, .nan, 0, 1] as [Float], shape: [2, 3])]))
    // A NaN pixel spoils its own row of the product and no other.
    cases.append(
      try ParityCase(
        "extremes: 1×1 convolution", .convolution(Convolution()), inputs: [special],
        constants: [
          Tensor([0.5, -1, 2] as [Float], shape: [3, 1, 1, 1])
        ]))
    // Denormal inputs whose products are not: a unit that takes them for zero answers zero.
    cases.append(
      try ParityCase(
        "extremes: denormal inputs", .linear(activation: nil),
        inputs: [Tensor([0x1p-133, -0x3p-133, 0x5p-131, 0x1p-135] as [Float], shape: [1, 4])],
        constants: [Tensor([1e38, 2e38, 3e38, -1e38, 1e38, 1e38, -1e38, 2e38] as [Float], shape: [2, 4])]))
    return cases
  }
}
