/// The type of one element of a ``Tensor``.
///
/// The raw values are those of `zoo.v1.ElementType` on the wire.
public enum ElementType: Int, Sendable, Hashable, CaseIterable {
  case float32 = 1
  case float16 = 2
  case bfloat16 = 3
  case int8 = 4
  case uint8 = 5
  case int32 = 6
  case int64 = 7

  /// The size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8: 1
    case .float16, .bfloat16: 2
    case .float32, .int32: 4
    case .int64: 8
    }
  }

  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float16, .bfloat16: true
    case .int8, .uint8, .int32, .int64: false
    }
  }
}

extension ElementType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .float32: "float32"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .int8: "int8"
    case .uint8: "uint8"
    case .int32: "int32"
    case .int64: "int64"
    }
  }
}
