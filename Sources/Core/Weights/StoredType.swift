import ZooTensor

/// The type of an element in a file: more types than a ``Tensor`` has.
///
/// What a tensor has no type for is converted when it is read, without loss but for `float64`:
///
/// | in the file | in the tensor |
/// |---|---|
/// | `float64` | `float32`, rounded to nearest; a finite value out of its range is an error |
/// | `int16`, `uint16` | `int32` |
/// | `uint32` | `int64` |
/// | `bool` | `uint8`, 0 or 1 |
enum StoredType: Hashable, CaseIterable {
  case float64, float32, float16, bfloat16
  case int64, int32, int16, int8
  case uint32, uint16, uint8
  case bool

  /// The size of one element in the file, in bytes.
  var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// What it becomes in a tensor.
  var elementType: ElementType {
    switch self {
    case .float64, .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .int64, .uint32: .int64
    case .int32, .int16, .uint16: .int32
    case .int8: .int8
    case .uint8, .bool: .uint8
    }
  }

  /// True where the bytes in the file are those of the tensor.
  var isElementType: Bool {
    switch self {
    case .float32, .float16, .bfloat16, .int64, .int32, .int8, .uint8: true
    case .float64, .int16, .uint32, .uint16, .bool: false
    }
  }

  init(_ elementType: ElementType) {
    switch elementType {
    case .float32: self = .float32
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .int8: self = .int8
    case .uint8: self = .uint8
    case .int32: self = .int32
    case .int64: self = .int64
    }
  }
}

// MARK: - Names in safetensors

extension StoredType {
  /// The `dtype` of the safetensors format.
  var safetensorsName: String {
    switch self {
    case .float64: "F64"
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int64: "I64"
    case .int32: "I32"
    case .int16: "I16"
    case .int8: "I8"
    case .uint32: "U32"
    case .uint16: "U16"
    case .uint8: "U8"
    case .bool: "BOOL"
    }
  }

  init?(safetensorsName name: String) {
    guard let type = Self.bySafetensorsName[name] else { return nil }
    self = type
  }

  /// The rest of the format's types, which are not read.
  static let unsupportedSafetensorsNames: Set = [
    "U64", "C64", "F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "F8_E8M0",
  ]

  private static let bySafetensorsName = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.safetensorsName, $0) })
}

// MARK: - Names in PyTorch

extension StoredType {
  /// The `torch.dtype`, and the stem of the storage class that has it. The unsigned types have no such class.
  private var torchNames: (dtype: String, storageClass: String?) {
    switch self {
    case .float64: ("float64", "DoubleStorage")
    case .float32: ("float32", "FloatStorage")
    case .float16: ("float16", "HalfStorage")
    case .bfloat16: ("bfloat16", "BFloat16Storage")
    case .int64: ("int64", "LongStorage")
    case .int32: ("int32", "IntStorage")
    case .int16: ("int16", "ShortStorage")
    case .int8: ("int8", "CharStorage")
    case .uint32: ("uint32", nil)
    case .uint16: ("uint16", nil)
    case .uint8: ("uint8", "ByteStorage")
    case .bool: ("bool", "BoolStorage")
    }
  }

  init?(torchStorageClass name: String) {
    guard let type = Self.allCases.first(where: { $0.torchNames.storageClass == name }) else { return nil }
    self = type
  }

  init?(torchDtype name: String) {
    guard let type = Self.allCases.first(where: { $0.torchNames.dtype == name }) else { return nil }
    self = type
  }
}
