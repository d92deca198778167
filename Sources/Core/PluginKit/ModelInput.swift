public import Foundation
public import ZooImaging
public import ZooTensor

/// One item of a request: named values and parameters.
public struct ModelInput: Sendable {
  public enum Value: Sendable {
    /// A JPEG or PNG file.
    case image(Data)
    case tensor(Tensor)
  }

  public enum Parameter: Sendable, Hashable {
    case integer(Int64)
    case number(Double)
    case text(String)
  }

  public var values: [String: Value]
  public var parameters: [String: Parameter]
  /// How large a picture may be.
  public var imageLimits: ImageLimits

  public init(
    values: [String: Value], parameters: [String: Parameter] = [:], imageLimits: ImageLimits = ImageLimits()
  ) {
    self.values = values
    self.parameters = parameters
    self.imageLimits = imageLimits
  }

  public func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws -> Int {
    guard let parameter = parameters[name] else { return standard }
    guard case .integer(let value) = parameter, let value = Int(exactly: value), range.contains(value) else {
      throw PluginError(
        .invalidInput,
        "parameters.\(name) is \(parameter): give a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// One of a few words; the first of `choices` where the request says nothing.
  public func choice(_ name: String, of choices: [String]) throws -> String {
    guard let parameter = parameters[name] else { return choices[0] }
    guard case .text(let value) = parameter, choices.contains(value) else {
      throw PluginError(
        .invalidInput, "parameters.\(name) is \(parameter): give one of \(choices.joined(separator: ", "))")
    }
    return value
  }
}

extension ModelInput.Parameter: CustomStringConvertible {
  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): "\"\(value)\""
    }
  }
}
