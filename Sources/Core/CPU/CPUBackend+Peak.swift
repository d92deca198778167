import CZooKernels
public import ZooBackend

extension CPUBackend {
  /// Multiplications and additions that one thread does in a second at best, measured now, in some 50 ms: the product
  /// of `[252][256]` and `[256][64]` by the kernels of this package, all of it in the cache.
  ///
  /// Threads of one core, or of a machine that is busy, do less together than each alone.
  ///
  /// - Parameter precision: of what is multiplied; those of 8 bits are measured in float32.
  public func measurePeak(in precision: Precision = .float32) throws(BackendError) -> Double {
    let (rows, depth, columns) = (252, 256, 64)
    let left = try AlignedBuffer(Array(repeating: 1, count: rows * depth))
    let right = try WeightMatrix(
      depth: depth, columns: columns, kernels: ProductKernels(.packed, precision), instructions: instructionSet
    ) { $0.update(repeating: 1, count: depth * columns) }
    if !right.readsFloats {
      let floats = try AlignedBuffer(Array(repeating: 1, count: rows * depth))
      right.round(floats.base, rows: rows, into: left.base)
    }
    let result = try AlignedBuffer(count: rows * columns, for: "a product")
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(50)
    var best = Duration.seconds(1)
    repeat {
      best = min(
        best,
        clock.measure {
          right.multiply(
            left.base, rows: rows, stride: right.rowSize, columns: 0..<columns, bias: nil,
            activation: zoo_activation(nil),
            into: result.base, stride: columns)
        })
    } while clock.now < end
    return Double(2 * rows * depth * columns) / (best / .seconds(1))
  }
}
