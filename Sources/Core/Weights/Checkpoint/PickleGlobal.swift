/// The Python classes and functions that a checkpoint may name: all of them stand for data, and none is called.
enum PickleGlobal: Hashable {
  case orderedDictionary
  case size
  case parameter
  case rebuildTensor
  case rebuildTensorV2
  case rebuildTensorV3
  case rebuildParameter
  case storage(StoredType)
  case untypedStorage
  case elementType(StoredType)

  /// - Throws: ``WeightsError`` (`forbiddenGlobal`) for every name that is not one of these.
  init(module: String, name: String) throws(WeightsError) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch", "Size"): self = .size
    case ("torch.nn.parameter", "Parameter"): self = .parameter
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
    case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorV3
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch.storage", "UntypedStorage"): self = .untypedStorage
    case ("torch", _):
      if let type = StoredType(torchStorageClass: name) {
        self = .storage(type)
      } else if let type = StoredType(torchDtype: name) {
        self = .elementType(type)
      } else if Self.unsupportedTypes.contains(where: name.hasPrefix) {
        throw WeightsError(
          .unsupported,
          """
          the checkpoint has a tensor of the type \(quoted("torch.\(name)")), which is not read: convert it to \
          float32, float16 or bfloat16 (numbers) or int64 (indices) before saving
          """)
      } else {
        throw Self.forbidden("\(module).\(name)")
      }
    default: throw Self.forbidden("\(module).\(name)")
    }
  }

  /// How the names of PyTorch's other element types, and of their storage classes, begin.
  private static let unsupportedTypes = [
    "float8_", "float4_", "complex", "Complex", "uint64", "QInt", "QUInt", "qint", "quint",
  ]

  /// What it is called in Python, for error texts.
  var name: String {
    switch self {
    case .orderedDictionary: "collections.OrderedDict"
    case .size: "torch.Size"
    case .parameter: "torch.nn.parameter.Parameter"
    case .rebuildTensor: "torch._utils._rebuild_tensor"
    case .rebuildTensorV2: "torch._utils._rebuild_tensor_v2"
    case .rebuildTensorV3: "torch._utils._rebuild_tensor_v3"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .storage(let type): "torch storage of \(type)"
    case .untypedStorage: "torch.storage.UntypedStorage"
    case .elementType(let type): "torch.\(type)"
    }
  }

  private static func forbidden(_ name: String) -> WeightsError {
    WeightsError(
      .forbiddenGlobal,
      """
      the checkpoint refers to the Python object \(quoted(name)), which is not a tensor or a plain container. Nothing \
      was executed. If you trust the file, open it in PyTorch and write only its numbers: \
      torch.save(model.state_dict(), path), or safetensors.torch.save_file(model.state_dict(), path)
      """)
  }
}
