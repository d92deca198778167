public import Logging
public import NIOCore
import NIOPosix
public import ServiceLifecycle
public import ZooDevices
public import ZooProtocol
public import ZooRuntime
public import ZooSearch

/// The server: connections on TCP in front of a runtime.
public final class ZooServer: Service {
  private let runtime: ModelRuntime
  private let search: SearchService?
  private let configuration: ServerConfiguration
  private let logger: Logger
  private let machine: @Sendable () -> WireMachine
  private let devices: DeviceMonitor
  private let cards: [String: String]
  private let onListening: @Sendable (SocketAddress) throws -> Void

  /// - Parameters:
  ///   - search: the indexes, which have been opened; nil where the server keeps none.
  ///   - machine: describes the computer, for `zoo list`.
  ///   - devices: reads the computer's sensors, for `zoo devices`.
  ///   - cards: the UUIDs of GPUs by the names of their backends, so that `zoo devices` says which models run on which.
  ///   - onListening: called with the address when clients can connect.
  public init(
    runtime: ModelRuntime, search: SearchService? = nil, configuration: ServerConfiguration, logger: Logger,
    machine: @escaping @Sendable () -> WireMachine, devices: DeviceMonitor = DeviceMonitor(),
    cards: [String: String] = [:],
    onListening: @escaping @Sendable (SocketAddress) throws -> Void = { _ in }
  ) {
    self.runtime = runtime
    self.search = search
    self.configuration = configuration
    self.logger = logger
    self.machine = machine
    self.devices = devices
    self.cards = cards
    self.onListening = onListening
  }

  /// Serves until the task is cancelled or a graceful shutdown is asked for: then nothing new is taken, what is in flight
  /// is answered, and the models are unloaded.
  public func run() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
    let connections = OpenConnections(maximum: configuration.maximumConnections)
    let dispatcher = Dispatcher(
      runtime: runtime, search: search, limits: configuration.limits, machine: machine, devices: devices,
      cards: cards)
    let (configuration, logger) = (configuration, logger)

    let listener: any Channel
    do {
      listener = try await ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelOption(.socketOption(.so_keepalive), value: 1)
        .childChannelOption(
          .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 1 << 20, high: 4 << 20)
        )
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let handler = ConnectionHandler(
              configuration: configuration, dispatcher: dispatcher, connections: connections, logger: logger)
            try channel.pipeline.syncOperations.addHandler(handler)
          }
        }
        .bind(host: configuration.host, port: configuration.port).get()
    } catch {
      try await group.shutdownGracefully()
      throw ZooError(
        .unavailable, "cannot listen on \(configuration.host):\(configuration.port): \(error)", cause: error)
    }

    if let address = listener.localAddress {
      logger.notice("listening", metadata: ["address": "\(address)"])
      try onListening(address)
    }
    let stop = { @Sendable in connections.deliver(on: listener.eventLoop) { listener.close(promise: nil) } }
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        try? await listener.closeFuture.get()
      } onGracefulShutdown: {
        stop()
      }
    } onCancel: {
      stop()
    }

    logger.notice("draining", metadata: ["connections": "\(connections.count)"])
    connections.drainAll()
    await connections.waitUntilEmpty(atMost: configuration.drainTime)
    connections.closeAll()
    await search?.shutdown()
    await runtime.shutdown()
    // Calls that nobody waits for may still run: their answers must not come to loops that are gone.
    connections.leaveLoops()
    try await group.shutdownGracefully()
    logger.notice("stopped")
  }
}
