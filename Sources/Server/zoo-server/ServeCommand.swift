public import ArgumentParser
import Foundation
public import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import UnixSignals
import ZooBackend
public import ZooCPU
import ZooCUDA
import ZooDevices
import ZooProtocol
import ZooRuntime
import ZooSQLiteStore
import ZooSearch
import ZooServer

/// `zoo-server serve`
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves the models of a folder until it is told to stop.",
    discussion: """
      On SIGTERM or SIGINT nothing new is taken, what is in flight is answered, and the server ends.

      Without --token everybody who can connect may call the models. Without --admin-token nobody may register, load or \
      remove any. Tokens are better given by file or environment than on the command line, where other users see them.
      """)

  @Option(name: .customLong("models"), help: "The folder with the models.", completion: .directory)
  var modelsFolder: String = "models"

  @Option(
    name: .customLong("indexes"), help: "The folder with the indexes of visual search; made when the first is created.",
    completion: .directory)
  var indexesFolder: String = "indexes"

  @Option(
    name: .customLong("search-store"),
    help: "NAME=FILE: a PostgreSQL store for indexes; the file holds its connection string. May be repeated.",
    completion: .file())
  var searchStores: [SearchStoreOption] = []

  @Option(help: "Where to listen: HOST:PORT; port 0 for any free one.")
  var listen: String = "127.0.0.1:7878"

  @Option(help: "A file to write the address to when clients can connect.", completion: .file())
  var addressFile: String?

  @OptionGroup var access: AccessOptions

  @Option(help: "Threads that compute; all cores unless told.")
  var threads: Int?

  @Flag(
    help: """
      Keep each thread that helps to compute a request on a processor of its own: for a machine, or processors, that \
      nothing else uses.
      """)
  var pinThreads = false

  @Option(
    help: "What multiplies matrices: openBLAS, or packed, the kernels of this program. The faster one unless told.")
  var matrixLibrary: MatrixLibrary?

  @Flag(
    help: """
      Measure on the CPU which way of computing a model's layers is the fastest, while it loads, and keep that in \
      tuning.json beside its files; what is kept there is used without this, too.
      """)
  var tune = false

  @OptionGroup(title: "GPU") var gpuOptions: GPUOptions

  @Option(help: "The largest request or answer, in MiB.")
  var frameLimit: Int = 64

  @Option(help: "Seconds that requests in flight may take when the server stops.")
  var drainTime: Int = 30

  @Option(help: "trace, debug, info, notice, warning or error.")
  var logLevel: Logger.Level = .info

  func validate() throws {
    guard 1...1024 ~= frameLimit else { throw ValidationError("--frame-limit is \(frameLimit): give 1 to 1024 MiB") }
    guard 0...3600 ~= drainTime else { throw ValidationError("--drain-time is \(drainTime): give 0 to 3600 seconds") }
    if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads is \(threads): give 1 to 1024") }
    _ = try address()
  }

  func run() async throws {
    LoggingSystem.bootstrap(StreamLogHandler.standardError)
    var logger = Logger(label: "zoo-server")
    logger.logLevel = logLevel
    let (host, port) = try address()
    let (tokens, sources) = try access.tokens()
    logger.notice("access", metadata: sources)

    let device = CPUDevice.current
    let threads = threads ?? device.coreCount
    let cpu = try CPUBackend(threads: threads, library: matrixLibrary, pinsThreads: pinThreads)
    let gpus = gpuOptions.backends()
    for gpu in gpus {
      if let missing = gpu as? UnavailableBackend {
        // Who asked for it by number should hear of it.
        logger.log(
          level: gpuOptions.ordinals == nil ? .info : .warning, "no GPU",
          metadata: ["device": "\(gpu.name)", "reason": "\(missing.reason)"])
      } else if let gpu = gpu as? CUDABackend {
        logger.notice("GPU", metadata: ["device": "\(gpu.name)", "name": "\(gpu.device.model)"])
        for missing in gpu.missingVendorLibraries {
          logger.warning("no library", metadata: ["device": "\(gpu.name)", "reason": "\(missing.message)"])
        }
      }
    }
    let runtime = try ModelRuntime(
      .init(models: URL(filePath: modelsFolder, directoryHint: .isDirectory), preparationThreads: threads, tunes: tune),
      plugins: plugins, backends: gpus + [cpu, ReferenceBackend()], logger: logger)
    await runtime.start()
    let search = SearchService(
      hasher: RuntimeHasher(runtime),
      providers: [
        EmbeddedStores(folder: URL(filePath: indexesFolder, directoryHint: .isDirectory), threads: threads)
      ] + (try searchStores.map { try $0.provider() }),
      hashingWidth: 2 * threads, logger: logger)
    await search.start()

    var limits = ProtocolLimits()
    limits.frameBytes = frameLimit << 20
    let started = ContinuousClock.now
    let written = Mutex<Int?>(nil)
    let server = ZooServer(
      runtime: runtime, search: search,
      configuration: ServerConfiguration(
        host: host, port: port,
        tokens: tokens,
        limits: limits, drainTime: .seconds(drainTime)),
      logger: logger,
      machine: { WireMachine(device, backend: cpu, started: started) },
      cards: gpus.compactMap { $0 as? CUDABackend }.reduce(into: [:]) { $0[$1.name] = $1.device.uuid },
      onListening: { [addressFile] address in
        guard let addressFile else { return }
        let text = Data("\(address.ipAddress ?? host):\(address.port ?? port)\n".utf8)
        try text.write(to: URL(filePath: addressFile), options: .atomic)
        written.withLock { $0 = Self.number(ofFile: addressFile) }
      })
    try await ServiceGroup(
      services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
    ).run()
    // Another server may have written its own meanwhile, of the same address.
    if let addressFile, let number = written.withLock({ $0 }), Self.number(ofFile: addressFile) == number {
      try? FileManager.default.removeItem(atPath: addressFile)
    }
  }

  /// Its inode.
  private static func number(ofFile path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? NSNumber)?.intValue
  }

  private func address() throws -> (host: String, port: Int) {
    let parts = listen.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 2, let port = Int(parts[parts.count - 1]), 0...65535 ~= port else {
      throw ValidationError("--listen is \"\(listen)\": give HOST:PORT, for example 127.0.0.1:7878 or [::1]:7878")
    }
    let host = parts.dropLast().joined(separator: ":")
    return (host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host, port)
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension MatrixLibrary: ExpressibleByArgument {}
