import Logging
import NIOCore
import ZooProtocol

/// The thin shell around ``ServerConnection``: bytes to events, actions to bytes.
///
/// Memory for one connection is bounded: by one frame on the way in, and on the way out by the answers to the requests
/// that may be in flight, since nothing is read while the client does not take what waits for it.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let lingerTime = TimeAmount.seconds(2)

  private let configuration: ServerConfiguration
  private let dispatcher: Dispatcher
  private let connections: OpenConnections
  private var logger: Logger

  private var connection: ServerConnection
  private let frames: NIOSingleStepByteToMessageProcessor<FrameDecoder>
  private var tasks: [UInt64: Task<Void, Never>] = [:]
  private var timer: (deadline: ServerConnection.Instant, scheduled: Scheduled<Void>)?
  /// Runs while the client takes nothing of what waits for it.
  private var writeTimer: Scheduled<Void>?
  private var isReading = true
  /// Nothing that comes is looked at any more.
  private var isFinished = false

  init(configuration: ServerConfiguration, dispatcher: Dispatcher, connections: OpenConnections, logger: Logger) {
    self.configuration = configuration
    self.dispatcher = dispatcher
    self.connections = connections
    self.logger = logger
    connection = ServerConnection(
      tokens: configuration.tokens, limits: configuration.limits, serverName: "zoo/\(zooVersion)", at: .now)
    frames = NIOSingleStepByteToMessageProcessor(
      FrameDecoder(maximumLength: configuration.limits.frameBytes),
      maximumBufferSize: configuration.limits.frameBytes + 4 + (1 << 16))
  }

  // MARK: Channel events

  func channelActive(context: ChannelHandlerContext) {
    logger[metadataKey: "client"] = "\(context.remoteAddress.map { "\($0)" } ?? "unknown")"
    guard connections.insert(context.channel) else {
      let error = ZooError(.unavailable, "the server has no room for another connection: try again later")
      send(.failure(of: 0, error), context: context)
      finish(context: context)
      return
    }
    logger.debug("connected")
    schedule(context: context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isFinished else { return }
    do {
      try frames.process(buffer: unwrapInboundIn(data)) { frame in
        received(frame, context: context)
      }
    } catch {
      lost(error, context: context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    connections.remove(context.channel)
    timer?.scheduled.cancel()
    writeTimer?.cancel()
    perform(connection.disconnected(), context: context)
    logger.debug("disconnected")
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("connection failed", metadata: ["error": "\(error)"])
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is OpenConnections.DrainEvent {
      perform(connection.drain(), context: context)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  /// A client that does not read is not read from; one that goes on not reading is disconnected.
  func channelWritabilityChanged(context: ChannelHandlerContext) {
    isReading = context.channel.isWritable
    writeTimer?.cancel()
    writeTimer = nil
    if isReading {
      context.read()
    } else {
      let (logger, bound) = (logger, NIOLoopBound(context, eventLoop: context.eventLoop))
      writeTimer = context.eventLoop.scheduleTask(in: TimeAmount(configuration.writeTimeout)) {
        logger.info("disconnecting a client that does not read")
        bound.value.close(promise: nil)
      }
    }
    context.fireChannelWritabilityChanged()
  }

  func read(context: ChannelHandlerContext) {
    if isReading { context.read() }
  }

  // MARK: Frames

  private func received(_ frame: ByteBuffer, context: ChannelHandlerContext) {
    do {
      let request = try WireRequest(frame: frame)
      perform(connection.received(request, at: .now), context: context)
    } catch {
      perform(connection.received(malformed: error), context: context)
    }
  }

  private func lost(_ error: any Error, context: ChannelHandlerContext) {
    isFinished = true
    logger.info("the stream cannot be followed", metadata: ["error": "\(error)"])
    let limit = configuration.limits.frameBytes
    perform(connection.lost(error as? FrameError ?? .tooLong(declared: limit + 1, maximum: limit)), context: context)
  }

  // MARK: Actions

  private func perform(_ actions: [ServerConnection.Action], context: ChannelHandlerContext) {
    for action in actions {
      switch action {
      case .send(let response): send(response, context: context)
      case .dispatch(let request, let deadline): dispatch(request, deadline: deadline, context: context)
      case .abandon(let id): tasks.removeValue(forKey: id)?.cancel()
      case .close: finish(context: context)
      }
    }
    schedule(context: context)
  }

  /// Ends the connection so that the client gets what was sent before.
  ///
  /// Closing a socket with bytes that were not read resets it, and a reset takes away what the client has not read yet. So
  /// the sending side is closed first, and what still comes is dropped until the client closes or has had its time.
  private func finish(context: ChannelHandlerContext) {
    isFinished = true
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    // For a client that does not even take what was sent.
    context.eventLoop.scheduleTask(in: TimeAmount(configuration.writeTimeout)) { bound.value.close(promise: nil) }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
      context.close(mode: .output, promise: nil)
      context.eventLoop.scheduleTask(in: Self.lingerTime) { bound.value.close(promise: nil) }
    }
  }

  private func dispatch(_ request: WireRequest, deadline: ServerConnection.Instant, context: ChannelHandlerContext) {
    let (loop, dispatcher, connections, logger) = (context.eventLoop, dispatcher, connections, logger)
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: loop)
    tasks[request.id] = Task {
      let response = await dispatcher.answer(request, deadline: deadline, logger: logger)
      connections.deliver(on: loop) {
        let (handler, context) = bound.value
        handler.tasks[request.id] = nil
        handler.perform(handler.connection.answered(response), context: context)
      }
    }
  }

  private func send(_ response: WireResponse, context: ChannelHandlerContext) {
    guard context.channel.isActive else { return }
    let limit = Int(UInt32.max)
    do {
      let frame = try response.frame(allocator: context.channel.allocator, maximumLength: limit)
      context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    } catch {
      logger.error("an answer cannot be encoded", metadata: ["error": "\(error)"])
      let failure = WireResponse.failure(of: response.id, ZooError(.internal, "the answer cannot be encoded"))
      if let frame = try? failure.frame(allocator: context.channel.allocator, maximumLength: limit) {
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
      }
    }
  }

  /// Wakes the connection at its next deadline.
  private func schedule(context: ChannelHandlerContext) {
    guard let deadline = connection.nextDeadline, context.channel.isActive else {
      timer?.scheduled.cancel()
      timer = nil
      return
    }
    guard timer?.deadline != deadline else { return }
    timer?.scheduled.cancel()
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    let scheduled = context.eventLoop.scheduleTask(in: TimeAmount(deadline - .now)) {
      let (handler, context) = bound.value
      handler.timer = nil
      handler.perform(handler.connection.tick(at: .now), context: context)
    }
    timer = (deadline, scheduled)
  }
}
