import CZooKernels
import ZooBackend
import ZooTensor

/// The filters of a 3×3 convolution, transformed by F(size × size, 3×3), and how transformed tiles are multiplied by them.
struct WinogradWeights: Sendable {
  /// Side of the tiles that the result is cut into: 2, 4 or 6.
  let size: Int
  let kernels: ProductKernels
  let instructions: InstructionSet
  let inputs, outputs: Int
  /// For packed kernels `[groups of columns][elements][C][columns]`, so that a block of tiles reads it from its start to its
  /// end; for OpenBLAS `[elements][C][O]`. In bfloat16 networks integers of 16 bits, pairs of rows side by side.
  private let values: AlignedBuffer
  /// What the integers are multiples of, `[groups of columns][elements][columns]`.
  private let units: AlignedBuffer?

  /// - Parameter filter: `[O, C, 3, 3]`
  init(
    filter: Constant, size: Int, _ kernels: ProductKernels, _ instructions: InstructionSet
  ) throws(BackendError) {
    self.size = size
    self.kernels = kernels
    self.instructions = instructions
    let (outputs, inputs) = (filter.shape[0], filter.shape[1])
    self.outputs = outputs
    self.inputs = inputs
    let elements = (size + 2) * (size + 2)
    let width = Self.groupWidth(kernels, instructions, outputs: outputs)
    let panels = (outputs + width - 1) / width
    let isFixed = kernels == .bfloat16
    let count = panels * elements * inputs * width
    let values = try AlignedBuffer(weights: isFixed ? count / 2 : count)
    let units = isFixed ? try AlignedBuffer([], padding: panels * elements * width) : nil
    let floats = isFixed ? try AlignedBuffer(count: elements * inputs * width, for: "weights") : nil
    filter.values.withUnsafeBufferPointer { filters in
      for panel in 0..<panels {
        let first = panel * elements * inputs * width
        zoo_winograd_filter(
          instructions.kernels, size, min(width, outputs - panel * width), inputs,
          filters.baseAddress! + panel * width * inputs * 9,  // Constants have elements.
          width, floats?.base ?? values.base + first)
        guard let floats, let units else { continue }
        Self.round(
          floats.base, elements: elements, inputs: inputs, width: width, into: values.base.integers + first,
          units: units.base + panel * elements * width)
      }
    }
    self.values = values
    self.units = units
  }

  /// Integers and their units, of a panel of floats.
  private static func round(
    _ floats: UnsafePointer<Float>, elements: Int, inputs: Int, width: Int, into integers: UnsafeMutablePointer<Int16>,
    units: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: inputs) { column in
      for element in 0..<elements {
        for place in 0..<width {
          let first = floats + element * inputs * width + place
          for input in 0..<inputs { column[input] = first[input * width] }
          zoo_fixed_pack(
            width, inputs, column.baseAddress!, integers + element * inputs * width + 2 * place,
            units + element * width + place)
        }
      }
    }
  }

  private static func groupWidth(_ kernels: ProductKernels, _ instructions: InstructionSet, outputs: Int) -> Int {
    switch kernels {
    case .openBLAS: outputs
    case .packed: instructions.panelWidth
    case .bfloat16: zoo_fixed_panel_width(instructions.quantizedKernels)
    }
  }

  var elementCount: Int { (size + 2) * (size + 2) }
  /// Columns that are multiplied together.
  var groupWidth: Int { Self.groupWidth(kernels, instructions, outputs: outputs) }
  var groupCount: Int { (outputs + groupWidth - 1) / groupWidth }
  var byteCount: Int { values.byteCount + (units?.byteCount ?? 0) }

  /// Tiles that are worked on together: with the packed kernels as many as a register tile has rows, or some times as many
  /// where their transforms stay in the L2 cache.
  var tilesPerBlock: Int {
    let rows: Int
    switch kernels {
    case .openBLAS: return 128
    case .packed: rows = zoo_sgemm_tile_rows(instructions.kernels)
    case .bfloat16: rows = zoo_fixed_tile_rows(instructions.quantizedKernels)
    }
    return rows * max(1, min(Self.maximumFloats / (rows * elementCount * (inputs + groupWidth)), 4))
  }

  /// Floats of the transforms of a block at most, where it can be helped.
  private static let maximumFloats = 160 * 1024

  /// From one element of the transformed input to the next: not a multiple of a page, of which a cache holds few.
  private func step(_ tiles: Int) -> Int { tiles * inputs + Scratch.unit }

  /// Floats that `transform` writes of so many tiles: for integers their units and a tile of floats too.
  func transformedCount(tiles: Int) -> Int {
    switch kernels {
    case .openBLAS, .packed: elementCount * step(tiles)
    case .bfloat16: elementCount * (step(tiles) / 2 + tiles + inputs)
    }
  }

  /// What tiles `first`..<`first + count` are multiplied as: `[elements][tiles][C]`, in room for `tiles`.
  func transform(
    _ windows: inout zoo_gather, _ x: UnsafePointer<Float>, _ normalization: UnsafePointer<zoo_normalization>?,
    first: Int, count: Int, room tiles: Int, into transformed: UnsafeMutablePointer<Float>
  ) {
    switch kernels {
    case .openBLAS, .packed:
      zoo_winograd_input(
        instructions.kernels, size, &windows, x, normalization, first, count, transformed, step(tiles), inputs)
    case .bfloat16:
      let units = transformed + elementCount * step(tiles) / 2
      zoo_winograd_input_fixed(
        instructions.kernels, size, &windows, x, normalization, first, count, units + elementCount * tiles,
        transformed.integers, step(tiles), units)
    }
  }

  /// `products [elements][count][group width] = transformed [elements][count][C] · weights of the group`.
  func multiply(
    group: Int, count: Int, room tiles: Int, _ transformed: UnsafePointer<Float>,
    into products: UnsafeMutablePointer<Float>
  ) {
    let first = group * elementCount * inputs * groupWidth
    switch kernels {
    case .packed:
      zoo_sgemm_batch(
        instructions.kernels, elementCount, count, inputs, transformed, step(tiles), inputs, values.base + first,
        products, count * groupWidth)
    case .bfloat16:
      guard let units else { return }
      zoo_fixed_multiply(
        instructions.quantizedKernels, elementCount, count, inputs, transformed.integers, step(tiles),
        transformed + elementCount * step(tiles) / 2, values.base.integers + first,
        units.base + group * elementCount * groupWidth, products, count * groupWidth)
    case .openBLAS:
      for element in 0..<elementCount {
        OpenBLAS.multiply(
          rows: count, columns: outputs, depth: inputs, transformed + element * step(tiles), inputs,
          values.base + element * inputs * outputs, outputs, into: products + element * count * outputs, outputs)
      }
    }
  }
}

extension UnsafePointer<Float> {
  /// The same memory, where integers of 16 bits are.
  fileprivate var integers: UnsafePointer<Int16> { UnsafeRawPointer(self).assumingMemoryBound(to: Int16.self) }
}

extension UnsafeMutablePointer<Float> {
  /// The same memory, where integers of 16 bits are or go.
  fileprivate var integers: UnsafeMutablePointer<Int16> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: Int16.self)
  }
}
