public import ZooProtocol

/// What an administrator decides about a server.
public struct ServerConfiguration: Sendable {
  /// Loopback unless told otherwise: opening a server to a network is a decision.
  public var host: String
  /// 0 for any free port.
  public var port: Int
  public var tokens: AccessTokens
  public var limits: ProtocolLimits
  /// Connections at a time; one more is closed at once.
  public var maximumConnections: Int
  /// How long requests in flight may take to finish when the server is told to stop.
  public var drainTime: Duration
  /// A client that reads nothing for so long while answers wait for it is disconnected.
  public var writeTimeout: Duration
  /// Event loops; they only move bytes.
  public var eventLoops: Int

  public init(
    host: String = "127.0.0.1", port: Int = 7878, tokens: AccessTokens = AccessTokens(),
    limits: ProtocolLimits = ProtocolLimits(), maximumConnections: Int = 1024, drainTime: Duration = .seconds(30),
    writeTimeout: Duration = .seconds(60), eventLoops: Int = 1
  ) {
    self.host = host
    self.port = port
    self.tokens = tokens
    self.limits = limits
    self.maximumConnections = maximumConnections
    self.drainTime = drainTime
    self.writeTimeout = writeTimeout
    self.eventLoops = eventLoops
  }
}
