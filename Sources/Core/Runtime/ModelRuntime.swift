public import Foundation
public import Logging
import Metrics
public import ZooBackend
public import ZooPluginKit
public import ZooProtocol
import Synchronization
import ZooTensor

/// The models of a server: loads them, runs them, lists them, takes new ones in and lets old ones go, all while requests
/// are running.
public actor ModelRuntime {
  public struct Configuration: Sendable {
    /// The folder with the models; made where it is missing.
    public var models: URL
    /// The largest total size of an upload, in bytes.
    public var uploadBytes: UInt64
    /// Threads for decoding, resizing and encoding, shared by all models.
    public var preparationThreads: Int
    /// True to measure, while a model loads, which way of computing its layers is the fastest, where that is not known.
    public var tunes: Bool

    public init(models: URL, uploadBytes: UInt64 = 16 << 30, preparationThreads: Int = 2, tunes: Bool = false) {
      self.models = models
      self.uploadBytes = uploadBytes
      self.preparationThreads = preparationThreads
      self.tunes = tunes
    }
  }

  /// A model's answer to a request.
  public struct Answer: Sendable {
    /// The version that answered.
    public var version: UInt32
    public var output: ModelOutput
    public var timing: WireTiming
  }

  private typealias VersionID = ModelRepository.VersionID

  private struct Entry {
    var lifecycle = ModelLifecycle()
    var manifest: WireManifest?
    var instance: ModelInstance?
    var goldenError: Float = 0
    var loadTime: Duration = .zero

    /// Of a version that is on disk.
    static func atRest(_ id: VersionID) -> Entry {
      Entry(lifecycle: .atRest(reason: "not loaded: `zoo load \(id)` loads it"))
    }
  }

  private let repository: ModelRepository
  private let staging: Staging
  private let plugins: [any ModelPlugin.Type]
  private let backends: [any Backend]
  private let tunes: Bool
  private let logger: Logger
  private let preparation: BlockingWork
  private let loading = BlockingWork(name: "zoo.loading", width: 2)
  private let disk = BlockingWork(name: "zoo.disk", width: 2)
  private var entries: [VersionID: Entry] = [:]
  /// Uploads that are being changed or committed: one thing at a time for each.
  private var busyUploads: Set<String> = []
  private var isShuttingDown = false

  /// - Parameter backends: in order of preference.
  public init(
    _ configuration: Configuration, plugins: [any ModelPlugin.Type], backends: [any Backend], logger: Logger
  ) throws {
    for plugin in plugins { plugin.registerConfiguration() }
    let reader = ManifestReader(plugins: Set(plugins.map { $0.name }))
    repository = try ModelRepository(root: configuration.models, reader: reader)
    var limits = Staging.Limits()
    limits.uploadBytes = configuration.uploadBytes
    staging = Staging(repository: repository, limits: limits)
    preparation = BlockingWork(name: "zoo.preparation", width: max(1, configuration.preparationThreads))
    self.plugins = plugins
    self.backends = backends
    tunes = configuration.tunes
    self.logger = logger
  }

  /// Loads the newest version of every model; where that fails, the newest that loads.
  public func start() async {
    let (repository, staging) = (repository, staging)
    do {
      try await disk.run { try repository.requireWritable() }
    } catch {
      // It serves what is there.
      let reason = ZooError(wrapping: error).message
      logger.warning("models cannot be registered or removed", metadata: ["reason": "\(reason)"])
    }
    _ = try? await disk.run { staging.sweep() }
    let versions = (try? await disk.run { repository.versions() }) ?? []
    if versions.isEmpty {
      logger.warning(
        "no models",
        metadata: [
          "folder": "\(repository.root.absoluteURL.standardizedFileURL.path(percentEncoded: false))",
          "reason": repository.isNew
            ? "the folder was not there, and has been made" : "the folder has no NAME/VERSION/manifest.textproto",
        ])
    }
    for id in versions { entries[id] = .atRest(id) }
    for (_, ids) in Dictionary(grouping: versions, by: \.name).sorted(by: { $0.key < $1.key }) {
      for id in ids.sorted(by: >) {
        if (try? await bringUp(id)) != nil { break }
      }
    }
  }

  // MARK: Looking

  public func list() -> [WireModelStatus] {
    entries.keys.sorted().map(status)
  }

  /// - Parameter version: 0 for the serving one, or the newest where none serves.
  public func info(_ name: String, version: UInt32) throws -> WireInfoResult {
    let id = try find(name, version: version)
    let entry = entries[id] ?? Entry()
    var result = WireInfoResult()
    result.status = status(id)
    if let manifest = entry.manifest ?? (try? repository.manifest(of: id)) { result.manifest = manifest }
    result.goldenError = entry.goldenError
    result.loadMs = Double(entry.loadTime.microseconds) / 1000
    if let instance = entry.instance {
      let graph = instance.graph
      result.networkInputs = graph.inputs.map { WireTensorSpec(graph.nodes[$0].name, graph.nodes[$0].shape) }
      result.networkOutputs = graph.outputs.map { WireTensorSpec($0.name, graph.nodes[$0.node].shape) }
      let interface = instance.plugin.interface
      result.inputs = interface.inputs.map(WireSlot.init)
      result.parameters = interface.parameters.map(WireSlot.init)
      result.outputs = interface.outputs.map(WireSlot.init)
    }
    return result
  }

  /// The shape of one of a network's outputs, for one item; nil where the version is not loaded, or has no such output.
  public func outputShape(_ output: String, of name: String, version: UInt32) -> [Int]? {
    guard let id = try? find(name, version: version), let graph = entries[id]?.instance?.graph,
      let node = graph.outputs.first(where: { $0.name == output })?.node
    else { return nil }
    return graph.nodes[node].shape.dimensions
  }

  private func status(_ id: VersionID) -> WireModelStatus {
    let entry = entries[id] ?? Entry()
    var status = WireModelStatus()
    status.name = id.name
    status.version = id.version
    status.state = entry.lifecycle.state
    status.reason = entry.lifecycle.reason
    status.serving = servingVersion(of: id.name) == id
    if let manifest = entry.manifest {
      status.plugin = manifest.plugin
      status.description_p = manifest.description_p
    }
    if let instance = entry.instance {
      status.devices = instance.network.devices
      status.device = Self.summary(of: status.devices)
      if status.reason.isEmpty { status.reason = instance.network.departures }
      status.precision = instance.manifest.placement.precision.name
      status.parameters = UInt64(instance.graph.parameterCount)
      let memory = instance.network.memory
      status.memoryBytes = UInt64(memory.weights + memory.activations)
      status.statistics = instance.statistics
    }
    return status
  }

  /// `cuda:0,1` of `cuda:0` and `cuda:1`.
  private static func summary(of devices: [String]) -> String {
    let further = devices.dropFirst().map { $0.drop { $0 != ":" }.dropFirst() }
    return ([devices[0][...]] + further).joined(separator: ",")
  }

  /// The version that answers requests which name none: the newest that is available.
  private func servingVersion(of name: String) -> VersionID? {
    entries.filter { $0.key.name == name && $0.value.lifecycle.takesRequests }.keys.max()
  }

  private func find(_ name: String, version: UInt32) throws -> VersionID {
    let known = entries.keys.filter { $0.name == name }
    guard let newest = known.max() else {
      let names = Set(entries.keys.map(\.name)).sorted()
      throw ZooError(
        .notFound,
        "there is no model \"\(name)\": there \(names.isEmpty ? "are none" : "is \(names.joined(separator: ", "))")")
    }
    if version == 0 { return servingVersion(of: name) ?? newest }
    let id = VersionID(name: name, version: version)
    guard known.contains(id) else {
      let versions = known.map { "\($0.version)" }.sorted().joined(separator: ", ")
      throw ZooError(.notFound, "\(name) has no version \(version): it has \(versions)")
    }
    return id
  }

  // MARK: Running

  /// Runs a model on one item.
  ///
  /// - Parameter version: 0 for the serving one.
  /// - Throws: ``ZooError``
  public nonisolated func infer(
    _ name: String, version: UInt32, input: ModelInput, deadline: ContinuousClock.Instant
  ) async throws -> Answer {
    let (instance, version) = try await instance(name, version: version)
    do {
      let answer = try await instance.infer(input, deadline: deadline, on: preparation)
      Counter(label: "zoo_requests", dimensions: [("model", name), ("code", "OK")]).increment()
      Timer(label: "zoo_compute", dimensions: [("model", name)]).recordMicroseconds(answer.timing.computeUs)
      return Answer(version: version, output: answer.output, timing: answer.timing)
    } catch {
      let error = ZooError(wrapping: error)
      Counter(label: "zoo_requests", dimensions: [("model", name), ("code", error.code.name)]).increment()
      if let fault = instance.fault { await withdraw(instance, because: fault) }
      throw error
    }
  }

  /// Takes a version out of service of which nothing runs any more, so that another, or nobody, answers for it.
  private func withdraw(_ instance: ModelInstance, because reason: String) {
    let id = VersionID(name: instance.manifest.name, version: instance.manifest.version)
    guard let entry = entries[id], entry.instance === instance, entry.lifecycle.takesRequests else { return }
    logger.error("out of service", metadata: ["model": "\(id)", "reason": "\(reason)"])
    advance(id, .drain(reason: reason))
    // Not awaited: the request that found it out is among those that it drains.
    Task {
      await instance.drain()
      advance(id, .drained)
    }
  }

  private func instance(_ name: String, version: UInt32) throws -> (ModelInstance, UInt32) {
    let id = try find(name, version: version)
    guard let entry = entries[id], entry.lifecycle.takesRequests, let instance = entry.instance else {
      let lifecycle = entries[id]?.lifecycle ?? ModelLifecycle()
      switch lifecycle.state {
      case .starting, .loading, .selfTest:
        throw ZooError(.unavailable, "\(id) is being loaded: try again in a moment")
      default:
        throw ZooError(.failedPrecondition, "\(id) does not serve: \(lifecycle.reason)")
      }
    }
    return (instance, id.version)
  }

  // MARK: Loading

  /// Learns of versions that came into the folder since the server started, by `zoo-server calibrate` or by hand.
  ///
  /// - Parameter version: 0 for all of the model's.
  /// - Throws: ``ZooError`` where the version that is named is there and its manifest is not one.
  private func discover(_ name: String, version: UInt32) async throws {
    guard version == 0 || entries[VersionID(name: name, version: version)] == nil else { return }
    let (repository, known) = (repository, Set(entries.keys))
    let found = try await disk.run {
      try repository.versions(of: name).filter { id in
        guard !known.contains(id), version == 0 || id.version == version else { return false }
        do {
          _ = try repository.manifest(of: id)
          return true
        } catch {
          if version == 0 { return false }
          let mistakes = (error as? ManifestError)?.mistakes.map { "\($0)" }.joined(separator: "; ")
          throw ZooError(
            .failedPrecondition,
            "\(id) is in the server's folder of models and cannot be taken: "
              + (mistakes ?? ZooError(wrapping: error).message))
        }
      }
    }
    for id in found where entries[id] == nil { entries[id] = .atRest(id) }
  }

  /// Brings a version that is in the repository to `available`, also one that was put there meanwhile.
  public func load(_ name: String, version: UInt32) async throws -> WireModelStatus {
    try await discover(name, version: version)
    let id: VersionID
    if version == 0, let newest = entries.keys.filter({ $0.name == name }).max() {
      id = newest
    } else {
      id = try find(name, version: version)
    }
    try await bringUp(id)
    return status(id)
  }

  /// Loads a version from the repository.
  private func bringUp(_ id: VersionID) async throws {
    switch entries[id]?.lifecycle.state {
    case .available: return
    case .starting, .loading, .selfTest: throw ZooError(.failedPrecondition, "\(id) is being loaded already")
    case .draining: throw ZooError(.failedPrecondition, "\(id) is being unloaded: try again in a moment")
    default: break
    }
    try refuseWhenShuttingDown()
    let repository = repository
    try await load(id) {
      (repository.folder(of: id), try repository.manifest(of: id))
    } whenTested: {
    }
  }

  /// The way from files to a model that serves, every step of it kept in the lifecycle.
  ///
  /// - Parameters:
  ///   - source: the folder of the files, and their manifest.
  ///   - whenTested: done when the model has passed its test and before it serves.
  private func load(
    _ id: VersionID, from source: @escaping @Sendable () throws -> (URL, WireManifest),
    whenTested: @escaping @Sendable () throws -> Void
  ) async throws {
    let (repository, plugins, backends, tunes, logger) = (repository, plugins, backends, tunes, logger)
    let start = ContinuousClock.now
    entries[id] = Entry()
    do {
      let (folder, manifest) = try await loading.run {
        let (folder, manifest) = try source()
        let problems = repository.problems(withFilesOf: manifest, in: folder)
        guard problems.isEmpty else {
          // Files that differ are their author's fault; ones that cannot be read may be the server's.
          let code = problems.first { $0.code != .dataLoss }?.code ?? .dataLoss
          throw ZooError(code, problems.map(\.message).joined(separator: "; "))
        }
        return (folder, manifest)
      }
      entries[id]?.manifest = manifest
      advance(id, .verified)
      let instance = try await loading.run {
        try ModelInstance(
          manifest: manifest, folder: folder, plugins: plugins, backends: backends, tunes: tunes)
      }
      advance(id, .loaded)
      let goldenError = try await loading.run {
        let goldenError = try instance.selfTest()
        do {
          try TuningFile(in: folder).save(instance.tuning)
        } catch {
          logger.warning("not kept", metadata: ["model": "\(id)", "reason": "\(error)"])
        }
        try whenTested()
        return goldenError
      }
      entries[id]?.instance = instance
      entries[id]?.goldenError = goldenError
      entries[id]?.loadTime = .now - start
      advance(id, .passed)
      let network = instance.network
      if !network.departures.isEmpty {
        logger.warning("moved", metadata: ["model": "\(id)", "reason": "\(network.departures)"])
      }
      logger.notice("serving", metadata: ["model": "\(id)", "device": "\(Self.summary(of: network.devices))"])
    } catch {
      let error = ZooError(wrapping: error)
      advance(id, .failed(reason: error.message))
      logger.error(
        "not loaded",
        metadata: [
          "model": "\(id)", "reason": "\(error.message)", "cause": "\(error.cause.map { "\($0)" } ?? "none")",
        ])
      throw ZooError(error.code, "\(id): \(error.message)", cause: error.cause)
    }
  }

  private func advance(_ id: VersionID, _ event: ModelLifecycle.Event) {
    guard var entry = entries[id] else { return }
    let isLegal = entry.lifecycle.handle(event)
    assert(isLegal, "\(event) in \(entry.lifecycle.state)")
    if entry.lifecycle.state == .ended { entry.instance = nil }
    entries[id] = entry
    logger.debug("state", metadata: ["model": "\(id)", "state": "\(entry.lifecycle.state)"])
  }

  /// Lets a version finish what it has taken, then frees it. Its files stay.
  public func unload(_ name: String, version: UInt32) async throws -> WireModelStatus {
    let id = try find(name, version: version)
    try await takeDown(id, reason: "unloaded: `zoo load \(id)` loads it again")
    return status(id)
  }

  private func takeDown(_ id: VersionID, reason: String) async throws {
    guard let entry = entries[id], entry.lifecycle.takesRequests, let instance = entry.instance else {
      throw ZooError(.failedPrecondition, "\(id) is not loaded")
    }
    advance(id, .drain(reason: reason))
    await instance.drain()
    advance(id, .drained)
    logger.notice("unloaded", metadata: ["model": "\(id)"])
  }

  // MARK: Registering

  /// Opens an upload, or finds the one that was broken off.
  public func beginRegistration(manifest: String) async throws -> WireRegisterResult {
    try refuseWhenShuttingDown()
    let staging = staging
    return try await wrapping { try await self.disk.run { try staging.begin(manifest: manifest) } }
  }

  public func append(
    _ data: Data, toUpload uploadID: String, path: String, offset: UInt64
  ) async throws -> WireUploadProgress {
    let staging = staging
    return try await exclusively(uploadID) {
      try await self.disk.run { try staging.append(data, to: uploadID, path: path, offset: offset) }
    }
  }

  /// Verifies, loads and tests what was uploaded, puts it into the repository and lets it serve. Where that fails, nothing
  /// has changed, and what served before goes on serving. An upload that is refused for what it is goes; one that is not
  /// whole, or that the server has no room for at the moment, stays.
  public func commit(upload uploadID: String) async throws -> WireModelStatus {
    try refuseWhenShuttingDown()
    let (staging, repository) = (staging, repository)
    let disk = disk
    // A task of its own, since what was refused goes also where nobody waits any more.
    let discard = { @Sendable () async -> Void in
      _ = await Task { try? await disk.run { staging.discard(uploadID) } }.value
    }
    return try await exclusively(uploadID) {
      let (folder, manifest) = try await disk.run { try staging.complete(uploadID) }
      let id = VersionID(name: manifest.name, version: manifest.version)
      let isClaimed = await self.claim(id)
      guard !repository.contains(id) else {
        if isClaimed { await self.forget(id) }
        await discard()
        throw ZooError(.alreadyExists, "\(id) is in the repository: give another version")
      }
      guard isClaimed else {
        throw ZooError(
          .aborted, "\(id) is being registered or removed by another request: try again, or unregister it first")
      }
      let isTested = Mutex(false)
      do {
        try await self.load(id) {
          (folder, manifest)
        } whenTested: {
          isTested.withLock { $0 = true }
          try repository.install(folder, as: id)
        }
      } catch {
        await self.forget(id)
        // What passed its test, and what no device can run at the moment, is not at fault.
        let isAtFault = !isTested.withLock { $0 } && (error as? BackendError)?.code != .unavailable
        if isAtFault, [.invalidArgument, .failedPrecondition, .dataLoss].contains(ZooError(wrapping: error).code) {
          await discard()
        }
        throw error
      }
      return await self.status(id)
    }
  }

  /// Unloads a version and removes its files.
  public func unregister(_ name: String, version: UInt32) async throws {
    guard version > 0 else {
      throw ZooError(.invalidArgument, "unregister.version is 0: name the version that is to be removed")
    }
    try await wrapping { try await self.discover(name, version: version) }
    let id = try find(name, version: version)
    let repository = repository
    try await wrapping { try await self.disk.run { try repository.requireWritable(for: id) } }
    switch entries[id]?.lifecycle.state {
    case .available: try await takeDown(id, reason: "being removed")
    case .ended: break
    default: throw ZooError(.failedPrecondition, "\(id) is being loaded or unloaded: try again in a moment")
    }
    try await wrapping { try await self.disk.run { try repository.remove(id) } }
    entries[id] = nil
    logger.notice("removed", metadata: ["model": "\(id)"])
  }

  /// - Returns: false where the version is known already.
  private func claim(_ id: VersionID) -> Bool {
    guard entries[id] == nil else { return false }
    entries[id] = Entry()
    return true
  }

  private func forget(_ id: VersionID) { entries[id] = nil }

  /// One change of an upload at a time; a second one is refused rather than mixed in.
  private func exclusively<Result: Sendable>(
    _ uploadID: String, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    guard busyUploads.insert(uploadID).inserted else {
      throw ZooError(.aborted, "another request is changing this upload: send one chunk at a time")
    }
    defer { busyUploads.remove(uploadID) }
    return try await wrapping(body)
  }

  private func wrapping<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
    do { return try await body() } catch { throw ZooError(wrapping: error) }
  }

  // MARK: Stopping

  private func refuseWhenShuttingDown() throws(ZooError) {
    if isShuttingDown { throw ZooError(.unavailable, "the server is shutting down") }
  }

  /// Drains every model.
  public func shutdown() async {
    isShuttingDown = true
    for id in entries.keys.sorted() where entries[id]?.lifecycle.takesRequests == true {
      try? await takeDown(id, reason: "the server is shutting down")
    }
  }
}

extension WireTensorSpec {
  fileprivate init(_ name: String, _ shape: Shape) {
    self.init()
    self.name = name
    elementType = .float32
    self.shape = shape.dimensions.map(Int64.init)
  }
}

extension WireSlot {
  fileprivate init(_ slot: ModelInterface.Slot) {
    self.init()
    name = slot.name
    kind = slot.kind.rawValue
    description_p = slot.description
    required = slot.isRequired
    defaultValue = slot.defaultValue
  }
}
