/// Where a server listens: `HOST:PORT`, `[::1]:7878`, or a host alone for the standard port.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
  public static let standardPort = 7878
  public static let standard = ServerAddress(host: "127.0.0.1", port: standardPort)

  public let host: String
  public let port: Int

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// - Returns: nil where the text is no address.
  public init?(_ text: String) {
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      let host = String(text[text.index(after: text.startIndex)..<end])
      let rest = text[text.index(after: end)...]
      guard !host.isEmpty, let port = Self.port(behind: rest) else { return nil }
      self.init(host: host, port: port)
    } else if text.count(where: { $0 == ":" }) > 1 {
      self.init(host: text, port: Self.standardPort)
    } else {
      let host = text.prefix { $0 != ":" }
      guard !host.isEmpty, let port = Self.port(behind: text.dropFirst(host.count)) else { return nil }
      self.init(host: String(host), port: port)
    }
  }

  private static func port(behind rest: Substring) -> Int? {
    if rest.isEmpty { return standardPort }
    let digits = rest.dropFirst()
    guard rest.first == ":", digits.first != "+", let port = Int(digits), 1...65535 ~= port else { return nil }
    return port
  }

  public var description: String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
