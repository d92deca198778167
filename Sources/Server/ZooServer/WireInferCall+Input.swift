import ZooPluginKit
import ZooProtocol

extension ModelInput {
  /// The item in a call, checked: every input has a value and a name of its own.
  init(_ call: WireInferCall) throws {
    var values: [String: Value] = [:]
    for (index, input) in call.inputs.enumerated() {
      guard !input.name.isEmpty else {
        throw ZooError(.invalidArgument, "inputs[\(index)].name is empty: name the input, as `zoo info` shows it")
      }
      let value: Value
      switch input.value {
      case .image(let data): value = .image(data)
      case .tensor(let tensor): value = .tensor(try tensor.tensor(field: "inputs.\(input.name).tensor"))
      case nil: throw ZooError(.invalidArgument, "inputs.\(input.name) has no value: set image or tensor")
      }
      guard values.updateValue(value, forKey: input.name) == nil else {
        throw ZooError(.invalidArgument, "inputs has \"\(input.name)\" twice: send each input once")
      }
    }
    var parameters: [String: Parameter] = [:]
    for (name, parameter) in call.parameters {
      switch parameter.value {
      case .integer(let value): parameters[name] = .integer(value)
      case .number(let value): parameters[name] = .number(value)
      case .text(let value): parameters[name] = .text(value)
      case nil:
        throw ZooError(.invalidArgument, "parameters.\(name) has no value: set integer, number or text")
      }
    }
    self.init(values: values, parameters: parameters)
  }
}
