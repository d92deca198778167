import ZooBackend
import ZooGraph
import ZooTensor

/// The packed weights of a convolution or a transposed one.
struct ConvolutionWeights: Sendable {
  /// The part of a kernel that some of the result's pixels see.
  ///
  /// A convolution has one. A transposed convolution with stride s has one for each of its s × s sub-pixel positions:
  /// result pixels whose row and column leave the same remainders are an ordinary convolution of the input with the
  /// kernel's rows and columns that fall on input pixels, so zeros are never multiplied.
  struct Phase: Sendable {
    /// The rows and columns of the kernel that take part.
    let rows, columns: [Int]
    /// The remainders.
    let row, column: Int
    /// One for each group: `[rows · columns · C/groups][O/groups]`.
    let matrices: [WeightMatrix]
  }

  let algorithm: ConvolutionAlgorithm
  let phases: [Phase]
  /// `[kH · kW][C]`; for the algorithm `depthwise`.
  let depthwise: AlignedBuffer?
  let winograd: WinogradWeights?
  let fixedWinograd: FixedWinogradWeights?
  /// `[C][kH · kW · O]`, filled up with zeros to a multiple of `Scratch.unit` columns.
  let narrow: WeightMatrix?
  /// What padding is read from, `[C]`; for `depthwise`.
  let zeros: AlignedBuffer?
  let bias: AlignedBuffer?
  let groups, inputChannels, outputChannels: Int
  let kernel: Extent
  let kernels: ProductKernels

  /// - Parameters:
  ///   - filter: `[O, C/groups, kH, kW]`
  ///   - bias: `[O]`
  init(
    _ options: Convolution, filter: Constant, bias: Constant?, algorithm: ConvolutionAlgorithm,
    _ kernels: ProductKernels, _ instructions: InstructionSet
  ) throws(BackendError) {
    let shape = filter.shape
    let (outputs, depth) = (shape[0] / options.groups, shape[1])
    kernel = Extent(height: shape[2], width: shape[3])
    groups = options.groups
    self.kernels = kernels
    inputChannels = shape[1] * groups
    outputChannels = shape[0]
    self.algorithm = algorithm
    self.bias = try Self.packed(bias)
    let window = kernel.height * kernel.width
    var depthwise: AlignedBuffer?
    var winograd: WinogradWeights?
    var fixedWinograd: FixedWinogradWeights?
    var narrow: WeightMatrix?
    var zeros: AlignedBuffer?
    var phases: [Phase] = []
    switch algorithm {
    case .depthwise:
      let packed = try AlignedBuffer(weights: window * outputChannels)
      for channel in 0..<outputChannels {
        for tap in 0..<window { packed.base[tap * outputChannels + channel] = filter.values[channel * window + tap] }
      }
      depthwise = packed
      zeros = try AlignedBuffer([], padding: inputChannels)
    case .winograd(let form):
      if kernels == .bfloat16 {
        fixedWinograd = try FixedWinogradWeights(filter: filter, form, instructions)
      } else {
        winograd = try WinogradWeights(filter: filter, form, kernels, instructions)
      }
    case .narrow:
      let columns = (window * outputs).roundedUp(to: Scratch.unit)
      narrow = try WeightMatrix(depth: depth, columns: columns, kernels: kernels, instructions: instructions) { rows in
        rows.update(repeating: 0, count: depth * columns)
        for output in 0..<outputs {
          for input in 0..<depth {
            for tap in 0..<window {
              rows[input * columns + tap * outputs + output] = filter.values[(output * depth + input) * window + tap]
            }
          }
        }
      }
    case .pointwise, .im2col, .direct:
      var matrices: [WeightMatrix] = []
      for group in 0..<groups {
        let size = outputs * depth * window
        matrices.append(
          try WeightMatrix(
            filters: filter.values[group * size..<(group + 1) * size], outputs: outputs, taps: window, kernels: kernels,
            instructions: instructions))
      }
      phases = [
        Phase(
          rows: Array(0..<kernel.height), columns: Array(0..<kernel.width), row: 0, column: 0, matrices: matrices)
      ]
    }
    self.depthwise = depthwise
    self.winograd = winograd
    self.fixedWinograd = fixedWinograd
    self.narrow = narrow
    self.zeros = zeros
    self.phases = phases
  }

  /// - Parameters:
  ///   - filter: `[C, O/groups, kH, kW]`
  ///   - bias: `[O]`
  ///   - algorithm: `direct`, `im2col` or Winograd's ``WinogradForm/up``.
  init(
    _ options: TransposedConvolution, filter: Constant, bias: Constant?, algorithm: ConvolutionAlgorithm,
    _ kernels: ProductKernels, _ instructions: InstructionSet
  ) throws(BackendError) {
    let shape = filter.shape
    let kernel = Extent(height: shape[2], width: shape[3])
    let (depth, outputs) = (shape[0] / options.groups, shape[1])
    self.kernel = kernel
    groups = options.groups
    self.kernels = kernels
    inputChannels = shape[0]
    outputChannels = outputs * groups
    self.algorithm = algorithm
    depthwise = nil
    fixedWinograd = nil
    narrow = nil
    zeros = nil
    self.bias = try Self.packed(bias)
    if case .winograd(let form) = algorithm {
      winograd = try WinogradWeights(filter: filter.transposed, form, kernels, instructions)
      phases = []
      return
    }
    winograd = nil

    /// The taps of one axis, by the remainder that (output + padding) leaves.
    func taps(_ size: Int, stride: Int, dilation: Int) -> [(remainder: Int, taps: [Int])] {
      (0..<stride).map { remainder in
        // The last one sees the input's first pixel.
        (remainder, (0..<size).filter { $0 * dilation % stride == remainder }.reversed())
      }
    }
    var phases: [Phase] = []
    for row in taps(kernel.height, stride: options.stride.height, dilation: options.dilation.height) {
      for column in taps(kernel.width, stride: options.stride.width, dilation: options.dilation.width) {
        var matrices: [WeightMatrix] = []
        for group in 0..<groups {
          matrices.append(
            try WeightMatrix(
              depth: row.taps.count * column.taps.count * depth, columns: outputs, kernels: kernels,
              instructions: instructions
            ) { rows in
              var target = rows
              for r in row.taps {
                for s in column.taps {
                  for input in 0..<depth {
                    for output in 0..<outputs {
                      target[output] =
                        filter.values[
                          (((group * depth + input) * outputs + output) * kernel.height + r) * kernel.width + s]
                    }
                    target += outputs
                  }
                }
              }
            })
        }
        phases.append(
          Phase(
            rows: row.taps, columns: column.taps, row: row.remainder, column: column.remainder, matrices: matrices))
      }
    }
    self.phases = phases
  }

  var byteCount: Int {
    let matrices = phases.flatMap(\.matrices) + [narrow].compactMap { $0 }
    return matrices.reduce(winograd?.byteCount ?? fixedWinograd?.byteCount ?? 0) { $0 + $1.byteCount }
      + [depthwise, zeros, bias].reduce(0) { $0 + ($1?.byteCount ?? 0) }
  }

  private static func packed(_ bias: Constant?) throws(BackendError) -> AlignedBuffer? {
    guard let bias else { return nil }
    return try AlignedBuffer(bias.values, padding: WeightMatrix.columnUnit)
  }
}

extension Constant {
  /// Of the filter `[C, O, kH, kW]` of a transposed convolution, that of a convolution, `[O, C, kH, kW]`: its taps are in
  /// reverse order.
  fileprivate var transposed: Constant {
    let (inputs, outputs, taps) = (shape[0], shape[1], shape[2] * shape[3])
    let turned = [Float](unsafeUninitializedCapacity: values.count) { turned, count in
      for input in 0..<inputs {
        for output in 0..<outputs {
          let (from, to) = ((input * outputs + output) * taps, (output * inputs + input) * taps)
          for tap in 0..<taps { turned[to + taps - 1 - tap] = values[from + tap] }
        }
      }
      count = values.count
    }
    return Constant(shape: [outputs, inputs, shape[2], shape[3]], values: turned)
  }
}
