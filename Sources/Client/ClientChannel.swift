import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ZooProtocol

/// One open connection: calls go in from any task and come back with their answers.
final class ClientChannel: Sendable {
  private let channel: any Channel
  private let handler: NIOLoopBound<ClientHandler>

  private init(channel: any Channel, handler: NIOLoopBound<ClientHandler>) {
    self.channel = channel
    self.handler = handler
  }

  static func open(
    _ configuration: ZooClient.Configuration, _ contact: ServerContact, group: any EventLoopGroup, timeout: Duration
  ) async throws -> ClientChannel {
    // A name may have several addresses, and each that is tried has a channel of its own. The handler is kept here since
    // a connection that ends at once, as a refused one does, has lost it by the time that one could look for it.
    let handlers = NIOLockedValueBox<[ObjectIdentifier: NIOLoopBound<ClientHandler>]>([:])
    let channel = try await ClientBootstrap(group: group)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .connectTimeout(TimeAmount(min(timeout, .seconds(10))))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = ClientHandler(token: configuration.token, frameBytes: configuration.frameBytes, contact)
          try channel.pipeline.syncOperations.addHandler(handler)
          let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
          handlers.withLockedValue { $0[ObjectIdentifier(channel)] = bound }
        }
      }
      .connect(host: configuration.address.host, port: configuration.address.port).get()
    guard let handler = handlers.withLockedValue({ $0[ObjectIdentifier(channel)] }) else {
      throw ChannelError.inappropriateOperationForState
    }
    return ClientChannel(channel: channel, handler: handler)
  }

  var isOpen: Bool { channel.isActive }

  /// What the server said to a call, and before that to hello.
  struct Answer {
    let response: WireResponse
    let hello: WireHelloResult
  }

  /// - Throws: ``LostCall`` where the connection goes away first, `CancellationError` where the task is cancelled,
  ///   ``ZooError`` where the request cannot be sent or the server and the client do not understand each other.
  func call(_ request: WireRequest) async throws -> Answer {
    // The cancellation may come first: the request then goes nowhere.
    let ticket = NIOLockedValueBox(Ticket.unsent)
    let (loop, handler) = (channel.eventLoop, handler)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        loop.execute {
          ticket.withLockedValue { ticket in
            if case .cancelled = ticket {
              continuation.resume(throwing: CancellationError())
            } else {
              ticket = .sent(handler.value.call(request, continuation))
            }
          }
        }
      }
    } onCancel: {
      loop.execute {
        ticket.withLockedValue { ticket in
          if case .sent(let id) = ticket { handler.value.abandon(id) }
          ticket = .cancelled
        }
      }
    }
  }

  private enum Ticket {
    case unsent, sent(UInt64), cancelled
  }

  func close() async {
    try? await channel.close().get()
  }
}

/// The thin shell around ``ClientConnection``. Lives on its event loop.
private final class ClientHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let token: String
  private let contact: ServerContact
  private let frames: NIOSingleStepByteToMessageProcessor<FrameDecoder>
  private var connection = ClientConnection()
  private var context: ChannelHandlerContext?
  private var calls: [UInt64: CheckedContinuation<ClientChannel.Answer, any Error>] = [:]

  init(token: String, frameBytes: Int, _ contact: ServerContact) {
    self.token = token
    self.contact = contact
    frames = NIOSingleStepByteToMessageProcessor(FrameDecoder(maximumLength: frameBytes))
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  func channelActive(context: ChannelHandlerContext) {
    perform(connection.connected(token: token, client: "zoo/\(zooVersion)"))
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !connection.isClosed else { return }
    do {
      try frames.process(buffer: unwrapInboundIn(data)) { frame in
        let response = try WireResponse(frame: frame)
        perform(connection.received(response))
        if connection.greeting != nil { contact.make() }
      }
    } catch {
      let cause = (error as? FrameError)?.zooError ?? (error as? ZooError)
      // What the server did wrong is not this side's argument; a long answer is read by a client that allows it.
      let code: ZooError.Code = cause?.code == .resourceExhausted ? .resourceExhausted : .internal
      let message = "the server's answer cannot be read: \(cause?.message ?? "\(error)")"
      perform(connection.fail(ZooError(code, message)))
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    perform(connection.close(reason: "the server closed the connection"))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    perform(connection.close(reason: "the connection failed (\(error))"))
  }

  func call(_ request: WireRequest, _ continuation: CheckedContinuation<ClientChannel.Answer, any Error>) -> UInt64 {
    let (id, actions) = connection.request(request)
    calls[id] = continuation
    perform(actions)
    return id
  }

  func abandon(_ id: UInt64) {
    guard let continuation = calls.removeValue(forKey: id) else { return }
    perform(connection.abandon(id))
    continuation.resume(throwing: CancellationError())
  }

  private func perform(_ actions: [ClientConnection.Action]) {
    for action in actions {
      switch action {
      case .send(let request): send(request)
      case .finish(let id, let outcome):
        guard let continuation = calls.removeValue(forKey: id) else { continue }
        switch outcome {
        case .answered(let response):
          continuation.resume(
            returning: ClientChannel.Answer(response: response, hello: connection.greeting ?? WireHelloResult()))
        case .lost(let reason, let mayHaveRun):
          continuation.resume(throwing: LostCall(reason: reason, mayHaveRun: mayHaveRun))
        case .failed(let status):
          continuation.resume(throwing: ZooError(status.code, status.message))
        }
      case .close: context?.close(promise: nil)
      }
    }
  }

  private func send(_ request: WireRequest) {
    guard let context else { return }
    let limit = (connection.greeting?.limits.frameBytes).map(Int.init) ?? Int(UInt32.max)
    do {
      let frame = try request.frame(allocator: context.channel.allocator, maximumLength: limit)
      context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    } catch {
      // It cannot be sent at all: nobody but the caller is to know.
      let continuation = calls.removeValue(forKey: request.id)
      perform(connection.withdraw(request.id))
      continuation?.resume(throwing: error)
    }
  }
}
