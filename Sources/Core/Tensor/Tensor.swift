/// An immutable block of numbers with a shape, in row-major order.
///
/// Copying a tensor copies a reference. Nothing here copies elements except the calls that say so
/// (``init(_:shape:)``, ``converted(to:)``, ``array(of:)``).
public struct Tensor: Sendable {
  public let elementType: ElementType
  public let shape: Shape
  private let storage: TensorStorage
  private let byteOffset: Int

  /// Allocates a tensor, aligned to ``TensorStorage/alignment``, and lets `initialize` write all of its bytes.
  public init(
    _ elementType: ElementType, shape: Shape,
    initialize: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    let byteCount = try shape.byteCount(of: elementType)
    let storage = TensorStorage(byteCount: byteCount)
    try initialize(UnsafeMutableRawBufferPointer(start: storage.base, count: byteCount))
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
    self.byteOffset = 0
  }

  /// A tensor that looks into `storage` from `byteOffset` on.
  public init(
    _ elementType: ElementType, shape: Shape, storage: TensorStorage, byteOffset: Int = 0
  ) throws(TensorError) {
    let byteCount = try shape.byteCount(of: elementType)
    guard byteOffset >= 0, byteOffset <= storage.byteCount,
      byteCount <= storage.byteCount - byteOffset
    else {
      throw TensorError(
        .byteCountMismatch,
        "\(elementType)\(shape) needs \(byteCount) bytes from offset \(byteOffset); the storage has \(storage.byteCount)"
      )
    }
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
    self.byteOffset = byteOffset
  }

  /// A tensor with a copy of `elements`.
  public init<Element: TensorElement>(_ elements: [Element], shape: Shape) throws {
    guard elements.count == shape.elementCount else {
      throw TensorError(
        .byteCountMismatch,
        "the shape \(shape) has \(shape.elementCount) elements and \(elements.count) were given")
    }
    try self.init(Element.elementType, shape: shape) { bytes in
      elements.withUnsafeBytes { bytes.copyMemory(from: $0) }
    }
  }

  /// A tensor of zeros.
  public static func zeros(_ elementType: ElementType = .float32, shape: Shape) throws -> Tensor {
    try Tensor(elementType, shape: shape) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
  }

  public var byteCount: Int { shape.elementCount * elementType.byteCount }

  /// - Precondition: this is not a ``shell``.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(!isShell, "a shell has no elements")
    defer { withExtendedLifetime(storage) {} }
    return try body(
      UnsafeRawBufferPointer(start: storage.base + byteOffset, count: byteCount))
  }

  /// Says that the elements are not read for now: a mapped file's leave the memory, and come from the file again.
  public func evict() {
    withUnsafeBytes { storage.evict($0) }
  }

  /// The element type and the shape alone: what a graph keeps of weights that a backend has packed.
  public var shell: Tensor { Tensor(shellOf: self) }

  public var isShell: Bool { storage.byteCount < byteCount }

  private init(shellOf tensor: Tensor) {
    elementType = tensor.elementType
    shape = tensor.shape
    storage = TensorStorage(byteCount: 0)
    byteOffset = 0
  }

  /// The elements in place.
  ///
  /// - Precondition: `Element` is this tensor's type and the storage is aligned for it
  ///   (always so for tensors that were allocated here).
  public func withElements<Element: TensorElement, Result, Failure: Error>(
    of type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(
      Element.elementType == elementType, "asked for \(Element.elementType) elements of a \(elementType) tensor")
    return try withUnsafeBytes { bytes throws(Failure) in
      try body(bytes.assumingMemoryBound(to: Element.self))
    }
  }

  /// The same elements under another shape; nothing is copied.
  public func reshaped(to shape: Shape) throws(TensorError) -> Tensor {
    guard shape.elementCount == self.shape.elementCount else {
      throw TensorError(
        .invalidShape,
        "\(self.shape) has \(self.shape.elementCount) elements and cannot be reshaped to \(shape)")
    }
    return try Tensor(elementType, shape: shape, storage: storage, byteOffset: byteOffset)
  }

  /// True where two tensors look at the same memory; an identity for caches of packed weights.
  public func sharesStorage(with other: Tensor) -> Bool {
    storage === other.storage && byteOffset == other.byteOffset
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String { "\(elementType)\(shape)" }
}
