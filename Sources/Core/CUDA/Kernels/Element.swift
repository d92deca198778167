import ZooBackend
import ZooTensor

/// What kernels keep in the card's memory, as ZOO_ELEMENT counts them.
enum Element: Int, CaseIterable {
  case float32 = 0
  case bfloat16 = 1
  case float16 = 2

  /// - Throws: ``BackendError`` for a precision that GPUs do not have.
  init(_ precision: Precision) throws(BackendError) {
    switch precision {
    case .float32: self = .float32
    case .bfloat16: self = .bfloat16
    case .float16: self = .float16
    case .int8:
      throw BackendError(
        .unsupported, "the CUDA backend has no int8: ask for float32, bfloat16 or float16, or for the CPU")
    }
  }

  var byteCount: Int { self == .float32 ? 4 : 2 }

  /// Elements in 16 bytes.
  var packSize: Int { 16 / byteCount }

  var name: String { "\(self)" }

  /// Values as they lie in memory.
  func bytes(of values: [Float]) -> [UInt8] {
    switch self {
    case .float32: values.withUnsafeBytes { Array($0) }
    case .bfloat16: values.map { BFloat16($0).bitPattern }.withUnsafeBytes { Array($0) }
    case .float16: values.map { Float16($0).bitPattern }.withUnsafeBytes { Array($0) }
    }
  }

  /// The values of bytes as they lie in memory.
  func floats(of bytes: [UInt8]) -> [Float] {
    bytes.withUnsafeBytes { bytes in
      switch self {
      case .float32: Array(bytes.bindMemory(to: Float.self))
      case .bfloat16: bytes.bindMemory(to: UInt16.self).map { Float(BFloat16(bitPattern: $0)) }
      case .float16: bytes.bindMemory(to: UInt16.self).map { Float(Float16(bitPattern: $0)) }
      }
    }
  }
}
