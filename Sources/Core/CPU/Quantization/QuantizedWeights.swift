import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// The weights of a convolution or a linear layer in 8 bits, packed: signed bytes around zero, with a scale for every
/// output channel.
struct QuantizedWeights: Sendable {
  /// `[kH · kW · C][O]` for products, `[kH · kW][C]` for depthwise ones.
  private let packed: AlignedBuffer
  /// As `Int32`, `[O]`: the bias in units of a product, less what the zero of the input adds to every sum.
  private let bias: AlignedBuffer
  /// `[O]`: the scale of the input · the scale of the weights.
  private let multiplier: AlignedBuffer
  let kernel: Extent
  let isDepthwise: Bool
  let depth, columns: Int
  let input: zoo_q_scale
  let instructions: zoo_quantized_set

  /// A product takes an addend, a depthwise sum does not.
  var addsToResult: Bool { !isDepthwise }

  /// - Parameters:
  ///   - filter: `[O, C/groups, kH, kW]`, or `[O, I]`.
  ///   - bias: `[O]`
  ///   - input: how the bytes that are read stand for numbers.
  init(
    _ operation: Operation, filter: Constant, bias: Constant?, input: zoo_q_scale?, _ instructions: InstructionSet
  ) throws(BackendError) {
    guard let input else { throw BackendError(.internalFailure, "an 8-bit layer without a scale of its input") }
    self.input = input
    self.instructions = instructions.quantizedKernels
    let shape = filter.shape
    let outputs = shape[0]
    let channels = shape[1]
    kernel = shape.rank == 4 ? Extent(height: shape[2], width: shape[3]) : Extent(1)
    let window = kernel.height * kernel.width
    if case .convolution(let options) = operation { isDepthwise = options.groups > 1 } else { isDepthwise = false }
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
    var sums = [Int32](repeating: 0, count: outputs)
    let set = self.instructions
    let size =
      isDepthwise
      ? zoo_q_depthwise_packed_size(set, kernel.height, kernel.width, outputs)
      : zoo_qgemm_packed_size(set, depth, outputs)
    packed = try AlignedBuffer(bytes: size)
    let target = UnsafeMutableRawPointer(packed.base).assumingMemoryBound(to: Int8.self)
    if isDepthwise {
      zoo_q_depthwise_pack(set, kernel.height, kernel.width, outputs, bytes, target, &sums)
    } else {
      zoo_qgemm_pack(set, depth, outputs, bytes, outputs, target, &sums)
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

  /// The weights from a column on that is the first of a panel, or of a block of channels.
  func panel(_ column: Int) -> UnsafePointer<Int8> {
    let offset =
      isDepthwise
      ? zoo_q_depthwise_packed_size(instructions, kernel.height, kernel.width, column)
      : zoo_qgemm_packed_size(instructions, depth, column)
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
