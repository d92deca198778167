import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SwiftProtobuf
import Testing
import ZooClient
import ZooProtocol

/// A server in this process, on the real frames and connection, that does what a test tells it to.
final class TestServer: Sendable {
  /// What happens to a new connection.
  enum Opening: Sendable {
    case serve
    /// Nothing that comes is answered.
    case mute
    /// Whatever the client says is answered with these bytes, and the connection is closed.
    case say([UInt8])
  }

  /// What happens to a request.
  enum Reply: Sendable {
    case answer(WireResponse.OneOf_Result)
    /// Until ``TestServer/answer(_:with:)``.
    case hold
    /// The connection closes without an answer.
    case vanish
    /// These bytes are sent as they are.
    case say([UInt8])
  }

  struct Behaviour: Sendable {
    var tokens = AccessTokens(administer: "")
    var limits = ProtocolLimits(requestsInFlight: 1000)
    /// By the number of the connection, from 0.
    var open: @Sendable (Int) -> Opening = { _ in .serve }
    /// By the request and the number of those of its kind before it.
    var reply: @Sendable (WireRequest, Int) -> Reply = { _, _ in .hold }
  }

  fileprivate struct State {
    var received: [WireRequest] = []
    var connections = 0
    var current: NIOLoopBound<TestServerHandler>?
    var channels: [any Channel] = []
  }

  fileprivate let behaviour: Behaviour
  fileprivate let state = NIOLockedValueBox(State())
  private let requests: AsyncStream<WireRequest>
  fileprivate let arrived: AsyncStream<WireRequest>.Continuation
  private let listener = NIOLockedValueBox<(any Channel)?>(nil)

  private init(_ behaviour: Behaviour) {
    self.behaviour = behaviour
    (requests, arrived) = AsyncStream.makeStream()
  }

  /// Calls `body` with a server that is gone afterwards.
  @discardableResult
  static func with<Result>(
    _ behaviour: Behaviour = Behaviour(), port: Int = 0, _ body: (TestServer) async throws -> Result
  ) async throws -> Result {
    let server = TestServer(behaviour)
    try await server.listen(port: port)
    do {
      let result = try await body(server)
      try await server.stop()
      return result
    } catch {
      try await server.stop()
      throw error
    }
  }

  private func listen(port: Int) async throws {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(TestServerHandler(self))
        }
      }
      .bind(host: "127.0.0.1", port: port).get()
    listener.withLockedValue { $0 = channel }
  }

  private func stop() async throws {
    try await listener.withLockedValue { $0 }?.close().get()
    for channel in state.withLockedValue({ $0.channels }) { try? await channel.close().get() }
    arrived.finish()
  }

  var port: Int {
    get throws { try #require(listener.withLockedValue { $0?.localAddress?.port }) }
  }

  var connections: Int { state.withLockedValue { $0.connections } }

  /// The requests that came so far, those that say hello aside.
  func received(_ call: String) -> [WireRequest] {
    state.withLockedValue { $0.received }.filter { $0.call?.name == call }
  }

  /// Waits for the next request of a kind; passes over others.
  func next(_ call: String) async throws -> WireRequest {
    for await request in requests where request.call?.name == call { return request }
    throw CancellationError()
  }

  /// Answers a request that is held.
  func answer(_ id: UInt64, with result: WireResponse.OneOf_Result) throws {
    let current = try #require(state.withLockedValue { $0.current })
    current.execute { handler in handler.answer(id, with: result) }
  }

  /// A client of this server for as long as `body` runs.
  @discardableResult
  func withClient<Result>(
    token: String = "", timeout: Duration = .seconds(50), frameBytes: Int = 1 << 20,
    _ body: (ZooClient) async throws -> Result
  ) async throws -> Result {
    let configuration = ZooClient.Configuration(
      address: ServerAddress(host: "127.0.0.1", port: try port), token: token, timeout: timeout, frameBytes: frameBytes,
      reconnectDelay: .milliseconds(1))
    return try await ZooClient.with(configuration, body)
  }
}

extension NIOLoopBound where Value == TestServerHandler {
  fileprivate func execute(_ body: @escaping @Sendable (TestServerHandler) -> Void) {
    eventLoop.execute { body(value) }
  }
}

private final class TestServerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let server: TestServer
  private let frames: NIOSingleStepByteToMessageProcessor<FrameDecoder>
  private var connection: ServerConnection
  private var context: ChannelHandlerContext?
  private var opening = TestServer.Opening.serve

  init(_ server: TestServer) {
    self.server = server
    let behaviour = server.behaviour
    frames = NIOSingleStepByteToMessageProcessor(FrameDecoder(maximumLength: behaviour.limits.frameBytes))
    connection = ServerConnection(
      tokens: behaviour.tokens, limits: behaviour.limits, serverName: "test", at: .now)
  }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let number = server.state.withLockedValue { state in
      defer { state.connections += 1 }
      state.current = bound
      state.channels.append(context.channel)
      return state.connections
    }
    opening = server.behaviour.open(number)
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.context = nil
    _ = connection.disconnected()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch opening {
    case .serve: serve(unwrapInboundIn(data))
    case .mute: break
    case .say(let bytes):
      say(bytes)
      context.close(promise: nil)
    }
  }

  private func serve(_ bytes: ByteBuffer) {
    do {
      try frames.process(buffer: bytes) { frame in
        let request = try WireRequest(frame: frame)
        server.state.withLockedValue { $0.received.append(request) }
        server.arrived.yield(request)
        perform(connection.received(request, at: .now))
      }
    } catch {
      Issue.record("the client sent what cannot be read: \(error)")
    }
  }

  func answer(_ id: UInt64, with result: WireResponse.OneOf_Result) {
    perform(connection.answered(.with { ($0.id, $0.result) = (id, result) }))
  }

  private func perform(_ actions: [ServerConnection.Action]) {
    for action in actions {
      switch action {
      case .send(let response):
        do {
          say(Array(try response.frame(maximumLength: .max).readableBytesView))
        } catch {
          Issue.record(error)
        }
      case .dispatch(let request, _): reply(to: request)
      case .abandon: break
      case .close: context?.close(promise: nil)
      }
    }
  }

  private func reply(to request: WireRequest) {
    let before = server.received(request.call?.name ?? "").count - 1
    switch server.behaviour.reply(request, before) {
    case .answer(let result): answer(request.id, with: result)
    case .hold: break
    case .vanish: context?.close(promise: nil)
    case .say(let bytes): say(bytes)
    }
  }

  private func say(_ bytes: [UInt8]) {
    context?.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
  }
}

let model = ModelReference(name: "horse2zebra")

/// A result that says which version was asked for.
func result(version: UInt32) -> WireResponse.OneOf_Result {
  .infer(.with { $0.version = version })
}

/// The error that `body` throws is a ``ZooError`` with this code.
@discardableResult
func expectError(
  _ code: ZooError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> ZooError? {
  let error = await #expect(throws: ZooError.self, sourceLocation: sourceLocation) { try await body() }
  #expect(error?.code == code, sourceLocation: sourceLocation)
  return error
}
