import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// Floats into bytes, or back.
struct ConversionKernel: Kernel {
  let algorithm: String
  private let toBytes: Bool
  private let scale: zoo_q_scale
  private let count: Int
  private let instructions: zoo_quantized_set

  init(toBytes: Bool, _ scale: zoo_q_scale, count: Int, instructions: zoo_quantized_set) {
    self.toBytes = toBytes
    self.scale = scale
    self.count = count
    self.instructions = instructions
    algorithm = toBytes ? "quantise" : "dequantise"
  }

  func run(_ call: KernelCall) {
    let x = call.input(0)
    call.parallelBlocks(count, of: elementsPerBlock) { block in
      let first = block.lowerBound
      if toBytes {
        zoo_q_quantize(instructions, x + first, scale.scale, scale.zero, call.output.bytes + first, block.count)
      } else {
        zoo_q_dequantize(instructions, x.bytes + first, scale.scale, scale.zero, call.output + first, block.count)
      }
    }
  }
}

/// The sum of two tensors of bytes of one shape.
struct QuantizedAddKernel: Kernel {
  var algorithm: String { "int8 element-wise" }
  let left, right: zoo_q_scale
  let result: zoo_q_scale
  let bounds: (low: Float, high: Float)
  let count: Int
  let instructions: zoo_quantized_set

  func run(_ call: KernelCall) {
    let (a, b, y) = (call.input(0).bytes, call.input(1).bytes, call.output.bytes)
    call.parallelBlocks(count, of: elementsPerBlock) { block in
      let first = block.lowerBound
      zoo_q_add(
        instructions, a + first, left, b + first, right, bounds.low, bounds.high, result, y + first, block.count)
    }
  }
}

/// The largest byte of each window: the scale stays.
struct QuantizedPoolKernel: Kernel {
  var algorithm: String { "int8 pool" }
  private let windows: WindowTable
  private let input, output: Picture
  private let instructions: zoo_quantized_set

  init(_ pool: Pool, input: Shape, output: Shape, instructions: zoo_quantized_set) throws(BackendError) {
    self.input = Picture(input)
    self.output = Picture(output)
    self.instructions = instructions
    windows = try PoolKernel.windows(pool, input: input, output: output)
  }

  private var window: Int { windows.kernelHeight * windows.kernelWidth }

  var scratch: Scratch {
    Scratch(perThread: window * MemoryLayout<UnsafePointer<UInt8>>.size / MemoryLayout<Float>.size)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0).bytes
    let channels = input.channels
    call.parallelFor(output.count * output.height) { worker, index in
      let (image, row) = index.quotientAndRemainder(dividingBy: output.height)
      call.threadScratch(worker).withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: window) { taps in
        for column in 0..<output.width {
          var count = 0
          for r in 0..<windows.kernelHeight {
            guard let inputRow = windows.row(row, r) else { continue }
            for s in 0..<windows.kernelWidth {
              guard let inputColumn = windows.column(column, s) else { continue }
              taps[count] = x + image * input.size + (inputRow * input.width + inputColumn) * channels
              count += 1
            }
          }
          zoo_q_maximum(
            instructions, taps, count, channels, call.output.bytes + (index * output.width + column) * channels)
        }
      }
    }
  }
}

/// The mean of each channel of bytes, as floats: `[N, H, W, C]` → `[N, 1, 1, C]`.
struct QuantizedMeanKernel: Kernel {
  var algorithm: String { "int8 mean" }
  let input: Picture
  let scale: zoo_q_scale
  let instructions: zoo_quantized_set
  /// Channels of a piece of work.
  private static let channelsPerBlock = 256

  init(_ input: Shape, _ scale: zoo_q_scale, instructions: zoo_quantized_set) {
    self.input = Picture(input)
    self.scale = scale
    self.instructions = instructions
  }

  func run(_ call: KernelCall) {
    let x = call.input(0).bytes
    let blocks = (input.channels + Self.channelsPerBlock - 1) / Self.channelsPerBlock
    call.parallelFor(input.count * blocks) { _, index in
      let (image, block) = index.quotientAndRemainder(dividingBy: blocks)
      let first = block * Self.channelsPerBlock
      zoo_q_column_means(
        instructions, x + image * input.size + first, input.pixels, min(Self.channelsPerBlock, input.channels - first),
        input.channels, scale.scale, scale.zero, call.output + image * input.channels + first)
    }
  }
}
