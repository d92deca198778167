import CZooKernels
import ZooBackend

/// The right-hand side of a product, laid out for the kernels that multiply: `[depth][columns]`.
struct WeightMatrix: Sendable {
  let depth: Int
  let columns: Int
  private let values: AlignedBuffer
  private let kernels: ProductKernels
  private let instructions: InstructionSet

  /// - Parameter fill: writes `[depth][columns]`, row by row.
  init(
    depth: Int, columns: Int, kernels: ProductKernels, instructions: InstructionSet,
    fill: (UnsafeMutablePointer<Float>) -> Void
  ) throws(BackendError) {
    let rowMajor = try AlignedBuffer(count: depth * columns, for: "weights")
    fill(rowMajor.base)
    try self.init(rowMajor: rowMajor.base, depth: depth, columns: columns, kernels, instructions)
  }

  /// - Parameters:
  ///   - filters: `[outputs][inputs][taps]`; the matrix is `[taps · inputs][outputs]`.
  init(
    filters: ArraySlice<Float>, outputs: Int, taps: Int, kernels: ProductKernels, instructions: InstructionSet
  ) throws(BackendError) {
    let depth = filters.count / max(outputs, 1)
    let inputs = depth / taps
    let panel = kernels == .packed ? instructions.panelWidth : outputs
    let count = depth * outputs.roundedUp(to: panel)
    let isPassing = kernels == .bfloat16
    let packed = isPassing ? try AlignedBuffer(count: count, for: "weights") : try AlignedBuffer(weights: count)
    filters.withUnsafeBufferPointer { filters in
      if let filters = filters.baseAddress {
        zoo_pack_filter(outputs, inputs, taps, filters, panel, inputs * panel, packed.base)
      }
    }
    if isPassing {
      try self.init(rowMajor: packed.base, depth: depth, columns: outputs, kernels, instructions)
    } else {
      self.init(packed, depth: depth, columns: outputs, kernels, instructions)
    }
  }

  private init(
    rowMajor: UnsafePointer<Float>, depth: Int, columns: Int, _ kernels: ProductKernels, _ instructions: InstructionSet
  ) throws(BackendError) {
    let values: AlignedBuffer
    switch kernels {
    case .openBLAS:
      values = try AlignedBuffer(weights: depth * columns)
      values.base.update(from: rowMajor, count: depth * columns)
    case .packed:
      values = try AlignedBuffer(weights: depth * columns.roundedUp(to: instructions.panelWidth))
      zoo_sgemm_pack(instructions.kernels, depth, columns, rowMajor, columns, values.base)
    case .bfloat16:
      let set = instructions.bfloat16Kernels
      values = try AlignedBuffer(bytes: 2 * zoo_bgemm_packed_size(set, depth, columns))
      zoo_bgemm_pack(set, depth, columns, rowMajor, columns, values.base.halves)
    }
    self.init(values, depth: depth, columns: columns, kernels, instructions)
  }

  private init(
    _ values: AlignedBuffer, depth: Int, columns: Int, _ kernels: ProductKernels, _ instructions: InstructionSet
  ) {
    self.values = values
    self.depth = depth
    self.columns = columns
    self.kernels = kernels
    self.instructions = instructions
  }

  var byteCount: Int { values.byteCount }

  /// True where rows of floats are a left-hand side as they lie; elsewhere `gather` or `round` makes one of them.
  var readsFloats: Bool { kernels != .bfloat16 }

  /// What a row of the left-hand side takes, in floats: a pair of bfloat16 is as large as one.
  var rowSize: Int { readsFloats ? depth : (depth + 1) / 2 }

  /// Writes the windows of `count` pixels from `first` on as rows of a left-hand side.
  ///
  /// - Parameter stride: from one row to the next, in floats.
  func gather(
    _ windows: inout zoo_gather, from x: UnsafePointer<Float>, first: Int, count: Int,
    into rows: UnsafeMutablePointer<Float>, stride: Int
  ) {
    if readsFloats {
      zoo_im2col(&windows, x, first, count, rows, stride)
    } else {
      zoo_bf_im2col(instructions.bfloat16Kernels, &windows, x, first, count, rows.halves, 2 * stride)
    }
  }

  /// Writes rows of floats, which lie behind each other, as rows of a left-hand side.
  func round(_ x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>) {
    zoo_bf_rows(instructions.bfloat16Kernels, x, rows, depth, depth, y.halves, 2 * rowSize)
  }

  /// `c [rows][range] = activation(addend [rows][range] + a [rows][depth] · weights [depth][range] + bias[range])`.
  ///
  /// - Parameters:
  ///   - a: floats, or what `gather` or `round` wrote.
  ///   - stride: from one row of a to the next, in floats.
  ///   - range: columns; starts at a multiple of ``columnUnit``.
  ///   - addend: where the first row's column `range.lowerBound` is; its rows lie as those of c do. It may be c.
  ///   - bias: of column 0; readable to the end of the last panel.
  ///   - c: where the first row's column `range.lowerBound` goes.
  func multiply(
    _ a: UnsafePointer<Float>, rows: Int, stride: Int, columns range: Range<Int>,
    addend: UnsafePointer<Float>? = nil, bias: UnsafePointer<Float>?, activation: zoo_activation,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int
  ) {
    let bias = bias.map { $0 + range.lowerBound }
    switch kernels {
    case .packed:
      zoo_sgemm(
        instructions.kernels, rows, range.count, depth, a, stride, values.base + range.lowerBound * depth, addend,
        cStride, bias, activation, c, cStride)
    case .bfloat16:
      zoo_bgemm(
        instructions.bfloat16Kernels, rows, range.count, depth, a.halves, 2 * stride,
        values.base.halves + range.lowerBound * 2 * rowSize, addend, cStride, bias, activation, c, cStride)
    case .openBLAS:
      if let addend, addend != UnsafePointer(c) {
        for row in 0..<rows { (c + row * cStride).update(from: addend + row * cStride, count: range.count) }
      } else if depth == 0, addend == nil {
        for row in 0..<rows { (c + row * cStride).update(repeating: 0, count: range.count) }
      }
      if depth > 0 {
        OpenBLAS.multiply(
          rows: rows, columns: range.count, depth: depth, a, stride, values.base + range.lowerBound, columns,
          adding: addend != nil, into: c, cStride)
      }
      zoo_bias_activation(instructions.kernels, c, rows, range.count, cStride, bias, activation)
    }
  }

  /// `multiply` for all columns, with a left-hand side whose rows are `runs` of equal length that lie `step` floats apart.
  /// For packed weights of float32.
  func multiplyRuns(
    _ a: UnsafePointer<Float>, rows: Int, stride: Int, runs: Int, step: Int, addend: UnsafePointer<Float>?,
    bias: UnsafePointer<Float>?, activation: zoo_activation, into c: UnsafeMutablePointer<Float>, stride cStride: Int
  ) {
    zoo_sgemm_runs(
      instructions.kernels, rows, columns, runs, depth / runs, a, stride, step, values.base, addend, cStride, bias,
      activation, c, cStride)
  }

  /// Blocks of columns start at its multiples.
  static let columnUnit = 32
}

extension Int {
  func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}

extension UnsafePointer<Float> {
  /// The same memory, where numbers of 16 bits are.
  var halves: UnsafePointer<UInt16> { UnsafeRawPointer(self).assumingMemoryBound(to: UInt16.self) }
}

extension UnsafeMutablePointer<Float> {
  /// The same memory, where numbers of 16 bits are or go.
  var halves: UnsafeMutablePointer<UInt16> { UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt16.self) }
}
