import ZooBackend
import ZooTensor

/// What kernels keep in the card's memory, as ZOO_ELEMENT counts them.
enum Element: Int, CaseIterable {
  case float32 = 0
  case bfloat16 = 1
  case float16 = 2

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
}
