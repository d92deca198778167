import CZooKernels
import ZooBackend
import ZooGraph
import ZooTensor

/// A convolution or a linear layer in 8 bits, as products of blocks of windows and packed weights.
struct QuantizedProductKernel: Kernel {
  let algorithm: String
  private let weights: QuantizedWeights
  private let result: QuantizedResult
  /// Nil where the operand is the left-hand side as it lies.
  private let windows: WindowTable?
  /// Pixels of a result.
  private let pixels: Int
  /// Bytes of a picture of the operand, and of one of its pixels.
  private let inputSize, inputChannels: Int
  private let blocking: Blocking
  /// Bytes from one row of windows to the next.
  private let windowStride: Int
  /// All windows are copied before the pieces of work are handed out, which are columns of one product then.
  private var gathersFirst: Bool { windows != nil && blocking.isByColumns }

  /// A convolution.
  init(
    _ options: Convolution, _ weights: QuantizedWeights, _ result: QuantizedResult, input: Shape, output: Shape
  ) throws(BackendError) {
    let (from, to) = (Picture(input), Picture(output))
    let windows = try options.windows(weights.kernel, input: from, output: to)
    let isDirect = weights.kernel == Extent(1) && options.stride == Extent(1) && from.pixels == to.pixels
    self.init(
      weights, result, windows: isDirect ? nil : windows, pixels: to.pixels, inputSize: from.size,
      inputChannels: from.channels, rows: to.count * to.pixels, algorithm: isDirect ? "int8 pointwise" : "int8 im2col")
  }

  /// A linear layer of `rows` rows.
  init(_ weights: QuantizedWeights, _ result: QuantizedResult, rows: Int) {
    self.init(
      weights, result, windows: nil, pixels: rows, inputSize: rows * weights.depth, inputChannels: weights.depth,
      rows: rows, algorithm: "int8 product")
  }

  private init(
    _ weights: QuantizedWeights, _ result: QuantizedResult, windows: WindowTable?, pixels: Int, inputSize: Int,
    inputChannels: Int, rows: Int, algorithm: String
  ) {
    self.weights = weights
    self.result = result
    self.windows = windows
    self.pixels = pixels
    self.inputSize = inputSize
    self.inputChannels = inputChannels
    self.algorithm = algorithm
    blocking = Blocking(
      rows: rows, columns: weights.columns, depth: weights.depth, sharesRows: true, readsInPlace: windows == nil)
    let stride = weights.depth.roundedUp(to: MemoryBlock.alignment)
    // Rows a power of two apart compete for the same few lines of a cache.
    windowStride = stride % 1024 == 0 ? stride + MemoryBlock.alignment : stride
  }

  var scratch: Scratch {
    let windowCopies = windows == nil ? 0 : blocking.rowsPerBlock * windowStride / MemoryLayout<Float>.size + 1
    return gathersFirst ? Scratch(shared: windowCopies) : Scratch(perThread: windowCopies)
  }

  func run(_ call: KernelCall) {
    let x = call.input(0).bytes
    let columnCount = weights.columns
    if let windows, gathersFirst {
      call.parallelBlocks(blocking.rows, of: Blocking.rowsPerCopy) { rows in
        gather(windows, rows, from: x, into: call.sharedScratch.bytes + rows.lowerBound * windowStride)
      }
    }
    call.parallelFor(blocking.count) { worker, index in
      let (rows, columns) = blocking[index]
      var left = x + rows.lowerBound * inputChannels
      var stride = inputChannels
      if let windows {
        let copies = gathersFirst ? call.sharedScratch.bytes : call.threadScratch(worker).bytes
        if !gathersFirst { gather(windows, rows, from: x, into: copies) }
        left = UnsafePointer(copies)
        stride = windowStride
      }
      var epilogue = weights.epilogue(columns.lowerBound, result)
      let first = rows.lowerBound * columnCount + columns.lowerBound
      epilogue.residual = call.addend.map { $0.bytes + first }
      epilogue.residual_stride = columnCount
      zoo_qgemm(
        weights.instructions, rows.count, columns.count, weights.depth, left, stride, weights.panel(columns.lowerBound),
        &epilogue, UnsafeMutableRawPointer(call.output) + first * result.byteCount, columnCount)
    }
  }

  /// Writes the windows of `rows`, which may lie in several pictures.
  private func gather(
    _ windows: WindowTable, _ rows: Range<Int>, from x: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>
  ) {
    var gather = windows.gather(pixelStride: inputChannels, channels: inputChannels)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (picture, first) = row.quotientAndRemainder(dividingBy: pixels)
      let count = min(pixels - first, rows.upperBound - row)
      zoo_q_im2col(
        &gather, x + picture * inputSize, weights.input.zero, first, count,
        target + (row - rows.lowerBound) * windowStride, windowStride)
      row += count
    }
  }
}
