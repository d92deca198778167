import ZooBackend

/// Memory for floats that starts on a cache line and is freed with its last reference.
///
/// Sendable because of how it is used: packed weights are written before they are shared, an arena belongs to one call
/// at a time.
final class AlignedBuffer: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int
  private let block: MemoryBlock

  var byteCount: Int { count * MemoryLayout<Float>.stride }

  /// Allocates `count` floats that are not initialised.
  ///
  /// - Parameter purpose: what the memory is for, in the message of the error.
  convenience init(count: Int, for purpose: @autoclosure () -> String) throws(BackendError) {
    try self.init(count: count, purpose: purpose()) { bytes in MemoryBlock(byteCount: bytes).map { ($0, $0.base) } }
  }

  /// Allocates room for `count` weights, beside the others of the network.
  convenience init(weights count: Int) throws(BackendError) {
    try self.init(count: count, purpose: "weights", MemoryBlock.part)
  }

  /// Allocates room for weights that are no floats.
  convenience init(bytes: Int) throws(BackendError) {
    try self.init(weights: (bytes + 3) / MemoryLayout<Float>.size)
  }

  /// A copy of `values`, followed by `padding` zeros.
  convenience init(_ values: [Float], padding: Int = 0) throws(BackendError) {
    try self.init(weights: values.count + padding)
    values.withUnsafeBufferPointer { values in
      if let start = values.baseAddress { base.update(from: start, count: values.count) }
    }
    (base + values.count).update(repeating: 0, count: padding)
  }

  private init(
    count: Int, purpose: @autoclosure () -> String,
    _ allocate: (_ byteCount: Int) -> (block: MemoryBlock, base: UnsafeMutableRawPointer)?
  ) throws(BackendError) {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    guard !overflow, count >= 0, let (block, base) = allocate(bytes) else {
      throw BackendError(
        .outOfMemory, "there is no room for \(count) floats of \(purpose()): use a smaller picture or batch")
    }
    self.block = block
    self.base = base.bindMemory(to: Float.self, capacity: count)
    self.count = count
  }
}
