/// What a file of weights may ask of the reader.
///
/// The defaults let every published checkpoint pass and keep what a hostile file costs within a small multiple of
/// its own size. Every limit is checked before the memory it guards is allocated.
public struct WeightsLimits: Sendable, Hashable {
  /// The size of a file, in bytes.
  public var fileByteCount = 16 << 30
  /// How many tensors a file may hold. An archive may have twice as many entries.
  public var tensorCount = 65_536
  /// The length of a tensor's name, in bytes of UTF-8.
  public var nameByteCount = 1024
  /// The length of a safetensors header, in bytes. The format itself allows no more than the default.
  public var headerByteCount = 100_000_000
  /// The length of one pickle, in bytes, without the numbers of the tensors.
  public var pickleByteCount = 32 << 20
  /// How many instructions a pickle may have, and how many dictionary entries are looked at for tensors.
  public var instructionCount = 8_000_000
  /// How many values a pickle may put aside for later use.
  public var memoCount = 2_000_000
  /// How many values a pickle may have under construction at once.
  public var stackDepth = 100_000
  /// How deep the containers of a checkpoint may be nested.
  public var nestingDepth = 64
  /// The length of one string in a pickle, in bytes.
  public var stringByteCount = 1 << 20
  /// How many times the size of its file the copies may take that a reader has to make: of views that are not
  /// contiguous, of tensors that are not aligned, of element types that are widened. One mebibyte is always free.
  ///
  /// A view with a stride of zero makes any number of elements of one: this is what such a file is stopped by.
  public var copyFactor = 8

  public init() {}
}

/// The bytes that copies may still take.
struct CopyBudget {
  private var remaining: Int
  private let total: Int

  init(fileByteCount: Int, limits: WeightsLimits) {
    let (product, overflow) = fileByteCount.multipliedReportingOverflow(by: max(limits.copyFactor, 0))
    total = max(overflow ? .max : product, 1 << 20)
    remaining = total
  }

  mutating func take(_ byteCount: Int, forTensor name: String) throws(WeightsError) {
    guard byteCount <= remaining else {
      throw WeightsError(
        .limitExceeded,
        """
        the tensor \(quoted(name)) needs a copy of \(byteCount) bytes and \(remaining) are left of the \(total) that \
        copies from this file may take: save its views with .contiguous(), or raise `copyFactor`
        """)
    }
    remaining -= byteCount
  }
}
