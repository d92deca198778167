import Foundation
import Logging
import NIOCore
import Synchronization
import ZooBackend
import ZooCPU
import ZooClassifier
import ZooClient
import ZooCycleGAN
import ZooDevices
import ZooLibraries
import ZooPluginKit
import ZooProtocol
import ZooRuntime
import ZooSQLiteStore
import ZooSearch
import ZooSearchHasher
import ZooServer
import ZooTinyModels

/// A whole server in this process, on a port of its own, with models in a folder of its own.
final class RunningServer: Sendable {
  static let administratorsToken = "open sesame"

  let folder: TemporaryFolder
  let address: ServerAddress
  private let task: Task<Void, any Error>

  /// - Parameter prepare: puts models into the folder before the server starts.
  init(
    limits: ProtocolLimits = ProtocolLimits(), maximumConnections: Int = 64, writeTimeout: Duration = .seconds(60),
    devices: DeviceMonitor = DeviceMonitor(finder: .init(configured: [], asksLoader: false, folders: [])),
    prepare: (URL) throws -> Void = { try TinyModel().install(in: $0) }
  ) async throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    let models = folder.url.appending(path: "models")
    try prepare(models)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let runtime = try ModelRuntime(
      .init(models: models, preparationThreads: 2),
      plugins: [CycleGANPlugin.self, ClassifierPlugin.self, SearchHasherPlugin.self],
      backends: [CPUBackend(threads: 2), ReferenceBackend()], logger: logger)
    await runtime.start()
    let search = SearchService(
      hasher: RuntimeHasher(runtime),
      providers: [EmbeddedStores(folder: folder.url.appending(path: "indexes"), threads: 2)], hashingWidth: 4,
      logger: logger)
    await search.start()
    let (addresses, continuation) = AsyncStream.makeStream(of: ServerAddress.self)
    let server = ZooServer(
      runtime: runtime, search: search,
      configuration: ServerConfiguration(
        port: 0, tokens: AccessTokens(administer: Self.administratorsToken), limits: limits,
        maximumConnections: maximumConnections, drainTime: .seconds(10), writeTimeout: writeTimeout),
      logger: logger, machine: { WireMachine() }, devices: devices,
      onListening: { continuation.yield(ServerAddress(host: "127.0.0.1", port: $0.port ?? 0)) })
    task = Task { try await server.run() }
    var iterator = addresses.makeAsyncIterator()
    guard let address = await iterator.next() else { throw ZooError(.internal, "the server did not start") }
    self.address = address
  }

  /// Lets the server drain and end.
  func stop() async throws {
    task.cancel()
    try await task.value
  }

  func client(administrator: Bool = false, timeout: Duration = .seconds(60)) -> ZooClient {
    ZooClient(
      .init(address: address, token: administrator ? Self.administratorsToken : "", timeout: timeout))
  }

  deinit { task.cancel() }
}

/// A server for as long as `body` runs.
func withServer(
  limits: ProtocolLimits = ProtocolLimits(), maximumConnections: Int = 64, writeTimeout: Duration = .seconds(60),
  prepare: (URL) throws -> Void = { try TinyModel().install(in: $0) }, _ body: (RunningServer) async throws -> Void
) async throws {
  let server = try await RunningServer(
    limits: limits, maximumConnections: maximumConnections, writeTimeout: writeTimeout, prepare: prepare)
  do {
    try await body(server)
    try await server.stop()
  } catch {
    try? await server.stop()
    throw error
  }
}
