/// Why a picture cannot be read, changed or written.
public struct ImagingError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The bytes are of no format that is read here.
    case unknownFormat
    /// The file is damaged or ends too early.
    case malformed
    /// The file is right and of a kind that is not read here, such as a lossless JPEG.
    case unsupported
    /// One of ``ImageLimits`` is exceeded, or the file asks for more work than a real picture does.
    case limitExceeded
    /// A size or parameter makes no sense.
    case invalidParameter
    /// A tensor is no picture.
    case invalidTensor
    /// Not the caller's fault: there is no memory.
    case internalFailure
  }

  public let code: Code
  /// Names the value and the remedy.
  public let message: String
  public let cause: (any Error)?

  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { message }
}
