/// The extents of a tensor, outermost first.
///
/// A shape is valid by construction: no extent is negative and the element count fits in `Int`.
public struct Shape: Sendable, Hashable {
  /// The largest rank of a tensor.
  public static let maximumRank = 8

  public let dimensions: [Int]
  /// The product of the extents; 1 for a scalar.
  public let elementCount: Int

  /// - Throws: ``TensorError`` for a negative extent, a rank over ``maximumRank`` or a product that overflows.
  public init(_ dimensions: [Int]) throws(TensorError) {
    guard dimensions.count <= Self.maximumRank else {
      throw TensorError(
        .invalidShape, "a shape has at most \(Self.maximumRank) dimensions, this one has \(dimensions.count)")
    }
    var count = 1
    for extent in dimensions {
      guard extent >= 0 else {
        throw TensorError(
          .invalidShape, "the shape \(Self.describe(dimensions)) has the negative extent \(extent)")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else {
        throw TensorError(
          .tooLarge, "the shape \(Self.describe(dimensions)) has more elements than can be counted")
      }
      count = product
    }
    self.dimensions = dimensions
    self.elementCount = count
  }

  public var rank: Int { dimensions.count }

  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The size in bytes of a tensor of this shape.
  public func byteCount(of elementType: ElementType) throws(TensorError) -> Int {
    let (bytes, overflow) = elementCount.multipliedReportingOverflow(by: elementType.byteCount)
    guard !overflow else {
      throw TensorError(.tooLarge, "\(elementType)\(self) has more bytes than can be counted")
    }
    return bytes
  }

  private static func describe(_ dimensions: [Int]) -> String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { Self.describe(dimensions) }
}

extension Shape: ExpressibleByArrayLiteral {
  /// For shapes known when the code is written; traps where ``init(_:)`` would throw.
  public init(arrayLiteral elements: Int...) {
    do {
      try self.init(elements)
    } catch {
      preconditionFailure(error.message)
    }
  }
}
