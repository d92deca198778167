import CZooKernels
import ZooBackend
import ZooTensor

/// A fully connected layer's weights, packed.
struct LinearWeights: Sendable {
  let matrix: WeightMatrix
  let bias: AlignedBuffer?
  let kernels: ProductKernels

  /// - Parameters:
  ///   - weight: `[O, I]`
  ///   - bias: `[O]`
  init(
    weight: Constant, bias: Constant?, _ kernels: ProductKernels, _ instructions: InstructionSet
  ) throws(BackendError) {
    matrix = try WeightMatrix(
      filters: weight.values[...], outputs: weight.shape[0], taps: 1, kernels: kernels, instructions: instructions)
    self.bias = try bias.map { bias throws(BackendError) in
      try AlignedBuffer(bias.values, padding: WeightMatrix.columnUnit)
    }
    self.kernels = kernels
  }

  var byteCount: Int { matrix.byteCount + (bias?.byteCount ?? 0) }
}

/// `[…, I]` → `[…, O]`.
struct LinearKernel: Kernel {
  var algorithm: String { weights.kernels.prefix + "matrix product" }
  let weights: LinearWeights
  let activation: zoo_activation
  /// Independent pieces of the input, and the rows of each.
  let items: Int
  let blocking: Blocking

  /// - Parameters:
  ///   - items: the extent of the first axis.
  ///   - rows: the product of the axes between the first and the last.
  init(_ weights: LinearWeights, activation: zoo_activation, items: Int, rows: Int) {
    self.weights = weights
    self.activation = activation
    switch weights.kernels {
    case .packed, .bfloat16:
      // An element's sum does not depend on the rows around it: weights are read once for all items.
      self.items = 1
      blocking = Blocking(rows: items * rows, columns: weights.matrix.columns, depth: weights.matrix.depth)
    case .openBLAS:
      self.items = items
      blocking = Blocking(rows: rows, columns: weights.matrix.columns, depth: weights.matrix.depth)
    }
  }

  var scratch: Scratch {
    Scratch(perThread: weights.matrix.readsFloats ? 0 : blocking.rowsPerBlock * weights.matrix.rowSize)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    let (matrix, columns) = (weights.matrix, weights.matrix.columns)
    call.parallelFor(items * blocking.count) { worker, index in
      let block = blocking[index % blocking.count]
      let first = index / blocking.count * blocking.rows + block.rows.lowerBound
      var rows = x + first * matrix.depth
      if !matrix.readsFloats {
        let rounded = call.threadScratch(worker)
        matrix.round(rows, rows: block.rows.count, into: rounded)
        rows = UnsafePointer(rounded)
      }
      matrix.multiply(
        rows, rows: block.rows.count, stride: matrix.rowSize, columns: block.columns,
        bias: weights.bias.map { UnsafePointer($0.base) }, activation: activation,
        into: call.output + first * columns + block.columns.lowerBound, stride: columns)
    }
  }
}
