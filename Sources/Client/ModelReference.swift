import ZooProtocol

/// A model by name, or one of its versions: `horse2zebra`, `horse2zebra@2`.
public struct ModelReference: Sendable, Hashable, CustomStringConvertible {
  public let name: String
  /// 0 for the version that serves.
  public let version: UInt32

  public init(name: String, version: UInt32 = 0) {
    self.name = name
    self.version = version
  }

  /// - Returns: nil where the text is neither a name nor a name and a version.
  public init?(_ text: String) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count <= 2, ModelName.isValid(String(parts[0])) else { return nil }
    if parts.count == 2 {
      guard parts[1].first != "+", let version = UInt32(parts[1]), version > 0 else { return nil }
      self.init(name: String(parts[0]), version: version)
    } else {
      self.init(name: String(parts[0]))
    }
  }

  public var description: String { version == 0 ? name : "\(name)@\(version)" }
}
