import CZooKernels

/// A product of two results: nothing is known about either when the network is compiled.
struct MatrixMultiplyKernel: Kernel {
  var algorithm: String { "matrix product" }
  let matrices, rows, depth, columns: Int
  /// Every matrix on the left has its own on the right, or all share one.
  let sharesRight: Bool
  let library: MatrixLibrary
  let instructions: InstructionSet
  private let blocking: Blocking

  init(
    matrices: Int, rows: Int, depth: Int, columns: Int, sharesRight: Bool, library: MatrixLibrary,
    instructions: InstructionSet
  ) {
    (self.matrices, self.rows, self.depth, self.columns) = (matrices, rows, depth, columns)
    self.sharesRight = sharesRight
    self.library = library
    self.instructions = instructions
    blocking = Blocking(rows: rows, columns: columns, depth: depth)
  }

  private var rightCount: Int { sharesRight ? 1 : matrices }
  private var packedSize: Int { columns.roundedUp(to: instructions.panelWidth) * depth }

  var scratch: Scratch {
    switch library {
    case .openBLAS: Scratch()
    case .packed: Scratch(shared: rightCount * packedSize)
    }
  }

  func run(_ call: KernelCall) {
    let (a, b) = (call.input(0), call.input(1))
    if library == .packed {
      call.parallelFor(rightCount) { _, index in
        zoo_sgemm_pack(
          instructions.kernels, depth, columns, b + index * depth * columns, columns,
          call.sharedScratch + index * packedSize)
      }
    }
    call.parallelFor(matrices * blocking.count) { _, index in
      let (matrix, number) = index.quotientAndRemainder(dividingBy: blocking.count)
      let block = blocking[number]
      let left = a + (matrix * rows + block.rows.lowerBound) * depth
      let result = call.output + (matrix * rows + block.rows.lowerBound) * columns + block.columns.lowerBound
      let right = sharesRight ? 0 : matrix
      switch library {
      case .openBLAS:
        OpenBLAS.multiply(
          rows: block.rows.count, columns: block.columns.count, depth: depth, left, depth,
          b + right * depth * columns + block.columns.lowerBound, columns, into: result, columns)
      case .packed:
        zoo_sgemm(
          instructions.kernels, block.rows.count, block.columns.count, depth, left, depth,
          call.sharedScratch + right * packedSize + block.columns.lowerBound * depth, nil, 0, nil, zoo_activation(nil),
          result, columns)
      }
    }
  }
}
