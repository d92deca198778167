/// Memory that tensors look into: allocated here, or borrowed from an owner such as a file mapping.
public final class TensorStorage: @unchecked Sendable {
  // Sendable by construction: written only before the first tensor that looks into it exists.

  /// The alignment of storage that is allocated here: one cache line, one AVX-512 register.
  public static let alignment = 64

  let base: UnsafeMutableRawPointer
  public let byteCount: Int
  private let release: () -> Void
  private weak var owner: (any RereadableMemory)?

  /// Allocates memory that is not initialised.
  init(byteCount: Int) {
    let base = UnsafeMutableRawPointer.allocate(
      byteCount: max(byteCount, 1), alignment: Self.alignment)
    self.base = base
    self.byteCount = byteCount
    self.release = { base.deallocate() }
  }

  /// Looks into memory that somebody else owns and nobody changes.
  ///
  /// - Parameter owner: kept alive until the last tensor that looks into the memory is gone; told by ``Tensor/evict()``
  ///   what is not needed for now if it is a ``RereadableMemory``.
  public init(borrowing bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    if let base = bytes.baseAddress {
      self.base = UnsafeMutableRawPointer(mutating: base)
      self.release = { withExtendedLifetime(owner) {} }
    } else {
      let base = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: Self.alignment)
      self.base = base
      self.release = { base.deallocate() }
    }
    self.byteCount = bytes.count
    self.owner = owner as? any RereadableMemory
  }

  deinit { release() }

  func evict(_ bytes: UnsafeRawBufferPointer) { owner?.evict(bytes) }
}

/// Memory whose contents come from somewhere else, such as a mapped file, and come again when they are read.
public protocol RereadableMemory: AnyObject {
  /// Gives back what holds these bytes; they can still be read.
  func evict(_ bytes: UnsafeRawBufferPointer)
}
