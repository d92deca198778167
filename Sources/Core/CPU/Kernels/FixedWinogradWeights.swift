import CZooKernels
import ZooBackend
import ZooTensor

/// The filters of a 3×3 convolution for networks in bfloat16, transformed into integers of 16 bits, and how transformed tiles
/// are multiplied by them.
struct FixedWinogradWeights: Sendable {
  let form: WinogradForm
  let instructions: InstructionSet
  let inputs, outputs: Int
  /// Columns of a panel.
  let width: Int
  /// `[panels][elements][C / 2][width][2]`, so that a block of tiles reads it from its start to its end.
  private let values: AlignedBuffer
  /// What the integers are multiples of, `[panels][elements][width]`.
  private let units: AlignedBuffer

  /// - Parameter filter: `[O, C, 3, 3]`
  init(filter: Constant, _ form: WinogradForm, _ instructions: InstructionSet) throws(BackendError) {
    self.form = form
    self.instructions = instructions
    let (outputs, inputs) = (filter.shape[0], filter.shape[1])
    self.outputs = outputs
    self.inputs = inputs
    let side = form.side
    let width = zoo_fixed_panel_width(instructions.quantizedKernels)
    self.width = width
    let panels = (outputs + width - 1) / width
    let (values, units) = (
      try AlignedBuffer(weights: panels * side * side * inputs * width / 2),
      try AlignedBuffer([], padding: panels * side * side * width)
    )
    let step = inputs * width
    let taps = try AlignedBuffer(count: 9 * step, for: "weights")
    let row = try AlignedBuffer(count: side * inputs * width, for: "weights")
    filter.values.withUnsafeBufferPointer { filters in
      for panel in 0..<panels {
        // Constants have elements.
        let first = filters.baseAddress! + panel * width * inputs * 9
        zoo_pack_filter(min(width, outputs - panel * width), inputs, 9, first, width, step, taps.base)
        for index in 0..<side {
          zoo_winograd_filter(instructions.kernels, form.kernels, index, step, taps.base, row.base, step)
          let element = (panel * side + index) * side
          Self.round(
            row.base, elements: side, inputs: inputs, width: width,
            into: values.base.integers + element * inputs * width, units: units.base + element * width)
        }
      }
    }
    self.values = values
    self.units = units
  }

  /// Integers and their units, of floats `[elements][C][width]`.
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

  var elementCount: Int { form.side * form.side }
  var panelCount: Int { (outputs + width - 1) / width }
  var byteCount: Int { values.byteCount + units.byteCount }

  /// Tiles that are worked on together: as many as a register tile has rows, or some times as many where their transforms
  /// stay in the L2 cache.
  var tilesPerBlock: Int {
    let rows = zoo_fixed_tile_rows(instructions.quantizedKernels)
    return rows * max(1, min(Self.maximumFloats / (rows * elementCount * (inputs + width)), 4))
  }

  /// Floats of the transforms of a block at most, where it can be helped.
  private static let maximumFloats = 160 * 1024

  /// From one element of the transformed input to the next: not a multiple of a page, of which a cache holds few.
  private func step(_ tiles: Int) -> Int { tiles * inputs + Scratch.unit }

  /// Floats that `transform` takes for so many tiles: integers, their units and a tile of floats.
  func transformedCount(tiles: Int) -> Int { elementCount * (step(tiles) / 2 + tiles + inputs) }

  /// What tiles `first`..<`first + count` are multiplied as: `[elements][tiles][C]`, in room for `tiles`.
  func transform(
    _ windows: inout zoo_gather, _ x: UnsafePointer<Float>, _ normalization: UnsafePointer<zoo_normalization>?,
    first: Int, count: Int, room tiles: Int, into transformed: UnsafeMutablePointer<Float>
  ) {
    let units = transformed + elementCount * step(tiles) / 2
    zoo_winograd_input_fixed(
      instructions.kernels, form.kernels, &windows, x, normalization, first, count, units + elementCount * tiles,
      transformed.integers, step(tiles), units)
  }

  /// `products [elements][count][width] = transformed [elements][count][C] · weights of the panel`.
  func multiply(
    panel: Int, count: Int, room tiles: Int, _ transformed: UnsafePointer<Float>,
    into products: UnsafeMutablePointer<Float>
  ) {
    let element = panel * elementCount
    zoo_fixed_multiply(
      instructions.quantizedKernels, elementCount, count, inputs, transformed.integers, step(tiles),
      transformed + elementCount * step(tiles) / 2, values.base.integers + element * inputs * width, inputs * width,
      units.base + element * width, products, count * width)
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
