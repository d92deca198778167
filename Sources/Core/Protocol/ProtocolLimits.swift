/// What one side lets the other ask for.
public struct ProtocolLimits: Sendable, Hashable {
  /// The protocol version that is spoken here.
  public static let version: UInt32 = 1
  /// The largest payload of a ping, in bytes.
  public static let pingBytes = 1024

  /// The largest frame, in bytes, without its length.
  public var frameBytes: Int
  /// Requests in flight on one connection.
  public var requestsInFlight: Int
  /// The largest chunk of an upload, in bytes.
  public var chunkBytes: Int
  /// For requests that name no timeout.
  public var defaultTimeout: Duration
  public var maximumTimeout: Duration
  /// How long a new connection may take to say hello.
  public var helloTimeout: Duration

  public init(
    frameBytes: Int = 64 << 20, requestsInFlight: Int = 64, chunkBytes: Int = 1 << 20,
    defaultTimeout: Duration = .seconds(30), maximumTimeout: Duration = .seconds(600),
    helloTimeout: Duration = .seconds(10)
  ) {
    self.frameBytes = frameBytes
    self.requestsInFlight = requestsInFlight
    self.chunkBytes = chunkBytes
    self.defaultTimeout = defaultTimeout
    self.maximumTimeout = maximumTimeout
    self.helloTimeout = helloTimeout
  }

  public var wire: WireLimits {
    var wire = WireLimits()
    wire.frameBytes = UInt32(clamping: frameBytes)
    wire.requestsInFlight = UInt32(clamping: requestsInFlight)
    wire.chunkBytes = UInt32(clamping: chunkBytes)
    wire.timeoutMs = UInt32(max(0, min(Double(UInt32.max), maximumTimeout / .milliseconds(1))))
    return wire
  }

  /// The time that a request gets.
  func timeout(of request: WireRequest) -> Duration {
    request.timeoutMs == 0 ? defaultTimeout : min(.milliseconds(Int64(request.timeoutMs)), maximumTimeout)
  }
}
