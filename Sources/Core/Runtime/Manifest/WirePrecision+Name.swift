import ZooProtocol

extension WirePrecision {
  /// As people read it.
  var name: String {
    switch self {
    case .unspecified, .float32: "float32"
    case .bfloat16: "bfloat16"
    case .float16: "float16"
    case .int8: "int8"
    case .UNRECOGNIZED(let number): "precision \(number)"
    }
  }
}
