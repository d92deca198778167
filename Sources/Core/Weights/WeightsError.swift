/// What can be wrong with a file of weights, or with what is asked of it.
public struct WeightsError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The file cannot be opened or read.
    case unreadableFile
    /// The file is none of the formats that are read here.
    case unknownFormat
    /// The file breaks the rules of its format: it is damaged, cut short, or made to deceive.
    case malformed
    /// The file is well formed and holds something that is not read here.
    case unsupported
    /// A pickle names a Python class or function that is not on the list of data.
    case forbiddenGlobal
    /// One of ``WeightsLimits`` is exceeded.
    case limitExceeded
    case missingTensor
    case duplicateTensor
    /// A tensor holds a NaN or an infinity.
    case notFinite
    /// A value is too large for the element type asked for.
    case notRepresentable
    case writeFailed
  }

  public let code: Code
  /// Names the tensor or field, the value and the remedy.
  public let message: String
  /// What went wrong underneath, where something did.
  public let cause: (any Error)?

  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { message }
}

extension WeightsError {
  /// The same error, saying in which file it was found.
  func inFile(_ path: String) -> WeightsError {
    WeightsError(code, "\(quoted(fileName(of: path))): \(message)", cause: cause)
  }

  /// A tensor that cannot be made, because of its shape or its size.
  init(_ error: any Error, inTensor name: String) {
    if let error = error as? WeightsError {
      self = error
    } else {
      self.init(.malformed, "the tensor \(quoted(name)) cannot be made: \(error)", cause: error)
    }
  }
}

/// The last component of a path: errors name a file, not where it lies.
func fileName(of path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}

/// A string from a file, fit for an error text: in quotes, without control characters, cut to 120 characters.
func quoted(_ text: some StringProtocol) -> String {
  var result = "'"
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == 120 {
      result += "…"
      break
    }
    if scalar.properties.generalCategory == .control || scalar == "'" || scalar == "\\" {
      result += scalar.escaped(asASCII: true)
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result + "'"
}
