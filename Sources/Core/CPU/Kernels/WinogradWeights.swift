import CZooKernels
import ZooBackend
import ZooTensor

/// The filters of a 3×3 convolution in float32 as they are; they are transformed where they are used.
///
/// Transformed filters are up to nine times as large, and reading them from memory takes longer than making them of the
/// filters: a panel of columns at a time, and of it a row of elements, which the L2 cache holds.
struct WinogradWeights: Sendable {
  let form: WinogradForm
  let instructions: InstructionSet
  let inputs, outputs: Int
  /// Columns of a panel.
  let width: Int
  private let kernels: ProductKernels
  /// From one tap or element of a panel to the next: not a multiple of a page, of which a cache holds few.
  private let step: Int
  /// `[panels][9][C][width]`, the taps `step` apart
  private let taps: AlignedBuffer

  /// Columns that OpenBLAS multiplies together at most.
  private static let columnsForOpenBLAS = 64

  /// - Parameter filter: `[O, C, 3, 3]`
  init(
    filter: Constant, _ form: WinogradForm, _ kernels: ProductKernels, _ instructions: InstructionSet
  ) throws(BackendError) {
    self.form = form
    self.kernels = kernels
    self.instructions = instructions
    (outputs, inputs) = (filter.shape[0], filter.shape[1])
    let panels = (outputs + Self.columnsForOpenBLAS - 1) / Self.columnsForOpenBLAS
    width =
      kernels == .openBLAS
      ? ((outputs + panels - 1) / panels).roundedUp(to: Int(zoo_winograd_channels)) : instructions.panelWidth
    step = inputs * width + Scratch.unit
    taps = try AlignedBuffer(weights: (outputs + width - 1) / width * 9 * step)
    filter.values.withUnsafeBufferPointer { filters in
      // Constants have elements.
      zoo_pack_filter(outputs, inputs, 9, filters.baseAddress!, width, step, taps.base)
    }
  }

  /// Rows and columns of a transformed tile.
  private var side: Int { form.side }
  var elementCount: Int { side * side }
  var panelCount: Int { (outputs + width - 1) / width }
  var byteCount: Int { taps.byteCount }

  /// True where a sum depends on the number of rows around it.
  var sumsDependOnRows: Bool { kernels == .openBLAS }

  /// Floats of a row of transformed filters of a panel.
  var rowCount: Int { side * step }

  /// `products [elements][count][width] = transformed [elements][count][C] · transformed filters of the panel`.
  ///
  /// - Parameters:
  ///   - transformedStep: from one element of `transformed` to the next.
  ///   - row: room for `rowCount` floats.
  func multiply(
    panel: Int, count: Int, _ transformed: UnsafePointer<Float>, transformedStep: Int, row: UnsafeMutablePointer<Float>,
    into products: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<side {
      zoo_winograd_filter(
        instructions.kernels, form.kernels, index, inputs * width, taps.base + panel * 9 * step, row, step)
      let left = transformed + index * side * transformedStep
      let result = products + index * side * count * width
      if kernels == .openBLAS {
        for element in 0..<side {
          OpenBLAS.multiply(
            rows: count, columns: width, depth: inputs, left + element * transformedStep, inputs, row + element * step,
            width, into: result + element * count * width, width)
        }
      } else {
        zoo_sgemm_batch(
          instructions.kernels, side, count, inputs, left, transformedStep, row, step, result, count * width)
      }
    }
  }
}
