import ZooGraph
import ZooTensor

extension ParityTable {
  static func matrices() throws -> [ParityCase] {
    var cases: [ParityCase] = []
    let linear: [(x: Shape, weight: Shape)] = [
      ([1, 1], [1, 1]), ([1, 7], [5, 7]), ([3, 17], [13, 17]), ([2, 3, 5], [4, 5]), ([2, 1, 3, 33], [31, 33]),
      ([9], [4, 9]), ([2, 5000], [3, 5000]), ([65, 16], [48, 16]),
    ]
    for (x, weight) in linear {
      for hasBias in [false, true] {
        cases.append(
          try ParityCase("linear: \(x) by \(weight)\(hasBias ? ", bias" : "")", .linear(activation: nil), inputs: [x]) {
            try [$0.tensor(weight)] + (hasBias ? [$0.tensor([weight[0]])] : [])
          })
      }
    }
    for activation in activations {
      cases.append(
        try ParityCase("linear: \(activation.name)", .linear(activation: activation), inputs: [[3, 11]]) {
          try [$0.tensor([7, 11], in: -2...2), $0.tensor([7])]
        })
    }
    cases.append(
      try ParityCase("linear: built for another batch", .linear(activation: nil), inputs: [[5, 6]], built: [[1, 6]]) {
        try [$0.tensor([4, 6])]
      })
    let products: [(a: Shape, b: Shape)] = [
      ([1, 1], [1, 1]), ([3, 5], [5, 7]), ([1, 13], [13, 1]), ([17, 1], [1, 11]), ([2, 3, 5], [2, 5, 4]),
      ([2, 3, 5], [5, 4]), ([2, 3, 7, 5], [2, 3, 5, 6]), ([2, 3, 4, 5], [5, 2]), ([2, 2000], [2000, 3]),
    ]
    for (a, b) in products {
      cases.append(try ParityCase("matrix product: \(a) by \(b)", .matrixMultiply, inputs: [a, b]))
    }
    cases.append(
      try ParityCase("matrix product: constant", .matrixMultiply, inputs: [[2, 4, 5]]) { try [$0.tensor([5, 3])] })
    let softmaxes: [(Shape, axis: Int)] = [
      ([1], 0), ([7], -1), ([3, 1000], 1), ([2, 5, 3], 1), ([2, 3, 4, 5], 0), ([2, 3, 4, 5], 2), ([2, 3, 4, 5], -1),
    ]
    for (x, axis) in softmaxes {
      cases.append(try ParityCase("softmax: \(x) axis \(axis)", .softmax(axis: axis), inputs: [x], in: -4...4))
    }
    // exp(300) is more than a float32 holds.
    cases.append(
      try ParityCase(
        "softmax: large logits", .softmax(axis: -1),
        inputs: [Tensor([300, 299, -300, 0, -300, -301] as [Float], shape: [2, 3])]))
    return cases
  }

  static func normalizations() throws -> [ParityCase] {
    var cases: [ParityCase] = []
    for x in [[1, 1, 1, 1], [2, 3, 5, 7], [3, 17], [5], [2, 4, 3, 16]] as [Shape] {
      cases.append(
        try ParityCase("batch norm: \(x)", .batchNorm(epsilon: 1e-5), inputs: [x]) {
          let vector: Shape = [x[x.rank - 1]]
          return try [$0.tensor(vector), $0.tensor(vector), $0.tensor(vector), $0.tensor(vector, in: 0.1...3)]
        })
    }
    for x in [[1, 1, 1, 3], [1, 1, 5, 1], [2, 7, 5, 3], [3, 4, 6, 17], [1, 16, 16, 8]] as [Shape] {
      cases.append(
        try ParityCase("instance norm: \(x)", .instanceNorm(epsilon: 1e-5, activation: nil), inputs: [x], in: -2...3))
      cases.append(
        try ParityCase("instance norm: \(x), affine", .instanceNorm(epsilon: 1e-3, activation: nil), inputs: [x]) {
          try [$0.tensor([x[3]]), $0.tensor([x[3]])]
        })
    }
    // A variance from E[x²] − E[x]² in float32 would have no digit left here.
    cases.append(
      try ParityCase(
        "instance norm: far from zero", .instanceNorm(epsilon: 1e-5, activation: nil), inputs: [[1, 9, 7, 5]],
        in: 100...101))
    for activation in activations {
      cases.append(
        try ParityCase(
          "instance norm: \(activation.name)", .instanceNorm(epsilon: 1e-5, activation: activation),
          inputs: [[2, 5, 4, 6]]))
    }
    return cases
  }
}
