import CZooKernels
import ZooBackend

/// The right-hand side of a product, laid out for the library that multiplies: `[depth][columns]`.
struct WeightMatrix: Sendable {
  let depth: Int
  let columns: Int
  private let values: AlignedBuffer
  private let library: MatrixLibrary
  private let instructions: InstructionSet

  /// - Parameters:
  ///   - fill: writes `[depth][columns]`, row by row.
  init(
    depth: Int, columns: Int, library: MatrixLibrary, instructions: InstructionSet,
    fill: (UnsafeMutablePointer<Float>) -> Void
  ) throws(BackendError) {
    self.depth = depth
    self.columns = columns
    self.library = library
    self.instructions = instructions
    let rowMajor = try AlignedBuffer(count: depth * columns, for: "weights")
    fill(rowMajor.base)
    switch library {
    case .openBLAS:
      values = rowMajor
    case .packed:
      values = try AlignedBuffer(
        count: depth * columns.roundedUp(to: instructions.panelWidth), for: "packed weights")
      zoo_sgemm_pack(instructions.kernels, depth, columns, rowMajor.base, columns, values.base)
    }
  }

  var byteCount: Int { values.byteCount }

  /// `c [rows][range] = activation(addend [rows][range] + a [rows][depth] · weights [depth][range] + bias[range])`.
  ///
  /// - Parameters:
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
    switch library {
    case .packed:
      zoo_sgemm(
        instructions.kernels, rows, range.count, depth, a, stride, values.base + range.lowerBound * depth, addend,
        cStride, bias, activation, c, cStride)
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

  /// Blocks of columns start at its multiples.
  static let columnUnit = 32
}

extension Int {
  func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
