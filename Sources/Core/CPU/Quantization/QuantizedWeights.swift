import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// The weights of a convolution or a linear layer in 8 bits, packed: signed bytes around zero, with a scale for every
/// output channel.
struct QuantizedWeights: Sendable {
  /// How the weights are packed.
  enum Layout: Sendable {
    /// `[kH · kW · C][O]`
    case product
    /// `[kH · kW][C]`
    case depthwise
    /// As ``QuantizedWinogradKernel`` takes them.
    case winograd
  }

  let layout: Layout
  private let packed: AlignedBuffer
  /// As `Int32`, `[O]`: the bias in units of a product, less what the zero of the input adds to every sum.
  private let bias: AlignedBuffer
  /// `[O]`: the scale of the input · the scale of the weights.
  private let multiplier: AlignedBuffer
  let kernel: Extent
  /// Bytes of the weights of a column, and the number of columns.
  let depth, columns: Int
  let input: zoo_q_scale
  let instructions: zoo_quantized_set

  /// A product takes an addend, a depthwise sum does not.
  var addsToResult: Bool { layout != .depthwise }

  /// - Parameters:
  ///   - filter: `[O, C/groups, kH, kW]`, or `[O, I]`.
  ///   - bias: `[O]`
  ///   - input: how the bytes that are read stand for numbers.
  ///   - algorithm: of a convolution. Where Winograd's would not be exact, it is not taken.
  init(
    filter: Constant, bias: Constant?, input: zoo_q_scale?, algorithm: ConvolutionAlgorithm?,
    _ instructions: InstructionSet
  ) throws(BackendError) {
    guard let input else { throw BackendError(.internalFailure, "an 8-bit layer without a scale of its input") }
    self.input = input
    self.instructions = instructions.quantizedKernels
    let shape = filter.shape
    let outputs = shape[0]
    let channels = shape[1]
    kernel = shape.rank == 4 ? Extent(height: shape[2], width: shape[3]) : Extent(1)
    let window = kernel.height * kernel.width
    depth = window * channels
    columns = outputs

    // [window · channels][outputs]; a depthwise filter has one channel.
    var bytes = [Int8](repeating: 0, count: depth * outputs)
    var scales = [Float](repeating: 1, count: outputs)
    for output in 0..<outputs {
      let values = filter.values[output * depth..<(output + 1) * depth]
      let largest = values.reduce(0) { max($0, abs($1)) }
      if largest > 0 { scales[output] = max(largest / 127, .leastNormalMagnitude) }
      for (index, value) in values.enumerated() {
        let (channel, tap) = index.quotientAndRemainder(dividingBy: window)
        bytes[(tap * channels + channel) * outputs + output] = Int8(
          max(-127, min(127, (value / scales[output]).rounded(.toNearestOrEven))))
      }
    }
    let layout = Self.layout(algorithm, depth: depth, columns: outputs, bytes)
    self.layout = layout
    var sums = [Int32](repeating: 0, count: outputs)
    let set = self.instructions
    packed = try AlignedBuffer(
      bytes: Self.packedSize(layout, set, kernel: kernel, channels: channels, columns: outputs))
    let target = UnsafeMutableRawPointer(packed.base).assumingMemoryBound(to: Int8.self)
    switch layout {
    case .depthwise:
      zoo_q_depthwise_pack(set, kernel.height, kernel.width, outputs, bytes, target, &sums)
    case .product:
      zoo_qgemm_pack(set, depth, outputs, bytes, outputs, target, &sums)
    case .winograd:
      let width = zoo_fixed_panel_width(set)
      let step = QuantizedWinogradKernel.tapStep(inputs: channels, width: width)
      bytes.withUnsafeBufferPointer { bytes in
        sums.withUnsafeMutableBufferPointer { sums in
          // A filter has outputs, so neither is empty.
          for column in stride(from: 0, to: outputs, by: width) {
            zoo_q_winograd_pack(
              channels, outputs, min(width, outputs - column), bytes.baseAddress! + column, width, step,
              target + column / width * 9 * step, sums.baseAddress! + column)
          }
        }
      }
    }

    let multipliers = scales.map { $0 * input.scale }
    multiplier = try AlignedBuffer(multipliers, padding: Self.padding)
    let whole = try AlignedBuffer([Float](repeating: 0, count: outputs), padding: Self.padding)
    UnsafeMutableRawPointer(whole.base).withMemoryRebound(to: Int32.self, capacity: outputs) { whole in
      for output in 0..<outputs {
        let real = Double(bias?.values[output] ?? 0) / Double(multipliers[output])
        // Beyond this a sum could overflow; such a bias is far outside of what 8 bits show.
        let rounded = max(-0x1p29, min(0x1p29, real.rounded(.toNearestOrEven)))
        whole[output] = Int32(rounded) - Int32(input.zero) * sums[output]
      }
    }
    self.bias = whole
  }

  /// Kernels read the numbers of columns to the end of the last panel or block.
  private static let padding = 64

  var byteCount: Int { packed.byteCount + bias.byteCount + multiplier.byteCount }

  private static func layout(
    _ algorithm: ConvolutionAlgorithm?, depth: Int, columns: Int, _ bytes: [Int8]
  ) -> Layout {
    switch algorithm {
    case .depthwise: .depthwise
    case .winograd where zoo_q_winograd_is_exact(depth, columns, bytes): .winograd
    default: .product
    }
  }

  private static func packedSize(
    _ layout: Layout, _ set: zoo_quantized_set, kernel: Extent, channels: Int, columns: Int
  ) -> Int {
    switch layout {
    case .depthwise:
      return zoo_q_depthwise_packed_size(set, kernel.height, kernel.width, columns)
    case .product:
      return zoo_qgemm_packed_size(set, kernel.height * kernel.width * channels, columns)
    case .winograd:
      let width = zoo_fixed_panel_width(set)
      return (columns + width - 1) / width * 9 * QuantizedWinogradKernel.tapStep(inputs: channels, width: width)
    }
  }

  /// The weights from a column on that is the first of a panel, or of a block of channels.
  func panel(_ column: Int) -> UnsafePointer<Int8> {
    let offset = Self.packedSize(
      layout, instructions, kernel: kernel, channels: depth / (kernel.height * kernel.width), columns: column)
    return UnsafeRawPointer(packed.base).assumingMemoryBound(to: Int8.self) + offset
  }

  /// What becomes of the sums, from a column on.
  func epilogue(_ column: Int, _ result: QuantizedResult) -> zoo_q_epilogue {
    var epilogue = zoo_q_epilogue()
    epilogue.bias = UnsafeRawPointer(bias.base).assumingMemoryBound(to: Int32.self) + column
    epilogue.multiplier = UnsafePointer(multiplier.base) + column
    epilogue.is_real = result.scale == nil
    epilogue.output_scale = result.scale?.scale ?? 1
    epilogue.output_zero = result.scale?.zero ?? 0
    epilogue.residual_scale = result.addend?.scale ?? 0
    epilogue.residual_zero = result.addend?.zero ?? 0
    (epilogue.low, epilogue.high) = result.bounds
    return epilogue
  }
}

/// What the sums of a layer become.
struct QuantizedResult: Sendable {
  /// Nil for floats.
  var scale: zoo_q_scale?
  /// Of what is added before the bounds.
  var addend: zoo_q_scale?
  var bounds: (low: Float, high: Float)

  /// Of an element.
  var byteCount: Int { scale == nil ? MemoryLayout<Float>.size : 1 }
}

extension UnsafePointer<Float> {
  /// The same memory, where bytes are.
  var bytes: UnsafePointer<UInt8> { UnsafeRawPointer(self).assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutablePointer<Float> {
  /// The same memory, where bytes are or go.
  var bytes: UnsafeMutablePointer<UInt8> { UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt8.self) }
}
