/// What may be sent to a model and what comes back: shown by `zoo info`, and requests are held against it.
public struct ModelInterface: Sendable {
  public enum Kind: String, Sendable, Hashable {
    case image, tensor, labels, code, integer, number, text, choice
    /// A JPEG or PNG file, or a tensor.
    case imageOrTensor = "image or tensor"
  }

  public struct Slot: Sendable, Hashable {
    public var name: String
    public var kind: Kind
    /// For people: the meaning, shape, range and unit.
    public var description: String
    public var isRequired: Bool
    public var defaultValue: String

    public init(
      _ name: String, _ kind: Kind, _ description: String, isRequired: Bool = false, default value: String = ""
    ) {
      self.name = name
      self.kind = kind
      self.description = description
      self.isRequired = isRequired
      self.defaultValue = value
    }
  }

  public var inputs: [Slot]
  public var parameters: [Slot]
  public var outputs: [Slot]

  public init(inputs: [Slot], parameters: [Slot] = [], outputs: [Slot]) {
    self.inputs = inputs
    self.parameters = parameters
    self.outputs = outputs
  }

  /// Refuses inputs and parameters that the model does not have, and inputs that it needs and does not get.
  func check(_ input: ModelInput) throws(PluginError) {
    for name in input.values.keys.sorted() {
      guard let slot = inputs.first(where: { $0.name == name }) else {
        throw PluginError(
          .invalidInput, "inputs has \"\(name)\", which this model does not take: it takes \(Self.list(inputs))")
      }
      switch (input.values[name], slot.kind) {
      case (.image, .tensor):
        throw PluginError(.invalidInput, "inputs.\(name) is a picture: send a tensor")
      case (.tensor, .image):
        throw PluginError(.invalidInput, "inputs.\(name) is a tensor: send a JPEG or PNG file")
      default: break
      }
    }
    for slot in inputs where slot.isRequired && input.values[slot.name] == nil {
      throw PluginError(.invalidInput, "inputs lacks \"\(slot.name)\": \(slot.description)")
    }
    for name in input.parameters.keys.sorted() where !parameters.contains(where: { $0.name == name }) {
      throw PluginError(
        .invalidInput, "parameters has \"\(name)\", which this model does not take: it takes \(Self.list(parameters))")
    }
  }

  private static func list(_ slots: [Slot]) -> String {
    slots.isEmpty ? "none" : slots.map(\.name).joined(separator: ", ")
  }
}
