public import Logging
public import ZooItems
public import ZooProtocol

/// The indexes of a server: creates them, fills them, searches them, hashes them anew and lets them go, all while others
/// do the same.
///
/// Errors are `ZooError`.
public actor SearchService {
  private enum Entry {
    case open(OpenIndex)
    /// It is being opened, created or dropped.
    case changing(provider: String)
    case failed(provider: String, reason: String)
  }

  private let hasher: any PictureHasher
  private let providers: [any StoreProvider]
  private let hashing: Turnstile
  private let logger: Logger
  private var entries: [String: Entry] = [:]
  private var isShuttingDown = false

  /// - Parameters:
  ///   - providers: the first is where indexes are kept that name no store.
  ///   - hashingWidth: pictures that are hashed at a time for indexes; searches come on top of it.
  public init(hasher: any PictureHasher, providers: [any StoreProvider], hashingWidth: Int, logger: Logger) {
    self.hasher = hasher
    self.providers = providers
    self.logger = logger
    hashing = Turnstile(width: max(1, hashingWidth))
  }

  /// Opens every index that is there. One that cannot be opened keeps none of the others from it.
  public func start() async {
    for provider in providers {
      let names: [String]
      do {
        names = try await provider.indexes()
      } catch {
        logger.error("store not read", metadata: ["store": "\(provider.name)", "reason": "\(error)"])
        continue
      }
      for name in names where entries[name] == nil {
        entries[name] = .changing(provider: provider.name)
        do {
          let index = try await open(name, in: provider)
          entries[name] = .open(index)
          await index.resumeRehash()
        } catch {
          let reason = ZooError(searching: error).message
          entries[name] = .failed(provider: provider.name, reason: reason)
          logger.error("index not opened", metadata: ["index": "\(name)", "reason": "\(reason)"])
        }
      }
    }
  }

  private func open(_ name: String, in provider: any StoreProvider) async throws -> OpenIndex {
    let store = try await provider.open(name)
    do {
      let settings = try await store.settings()
      // An older version of the model is not loaded by itself.
      _ = try await hasher.open(settings.model, version: settings.active.version)
      let index = index(settings, provider: provider, store: store)
      await index.dropLeftovers()
      return index
    } catch {
      await store.close()
      throw error
    }
  }

  private func index(
    _ settings: IndexSettings, provider: any StoreProvider, store: any ItemStore
  ) -> OpenIndex {
    OpenIndex(settings, provider: provider, store: store, hasher: hasher, hashing: hashing, logger: logger)
  }

  /// Stops what goes on in the background and closes the stores.
  public func shutdown() async {
    isShuttingDown = true
    let open = entries.values.compactMap { entry -> OpenIndex? in
      if case .open(let index) = entry { index } else { nil }
    }
    entries = [:]
    for index in open { await index.close() }
  }

  // MARK: Indexes

  public func create(_ call: WireCreateIndexCall) async throws -> WireIndexStatus {
    try ModelName.check(call.index, field: "create_index.index")
    try ModelName.check(call.model, field: "create_index.model")
    return try await reporting {
      guard !isShuttingDown else { throw SearchError(.unavailable, "the server is shutting down: try another") }
      let provider = try provider(named: call.store)
      guard entries[call.index] == nil else {
        throw SearchError(.alreadyExists, "index is \"\(call.index)\": there is one of that name, give another")
      }
      entries[call.index] = .changing(provider: provider.name)
      do {
        let settings = try await settings(for: call)
        let index = index(settings, provider: provider, store: try await provider.create(settings))
        entries[call.index] = .open(index)
        logger.notice("index created", metadata: ["index": "\(call.index)", "store": "\(provider.name)"])
        return try await index.status()
      } catch {
        if case .changing = entries[call.index] { entries[call.index] = nil }
        throw error
      }
    }
  }

  private func settings(for call: WireCreateIndexCall) async throws -> IndexSettings {
    let description = try await hasher.open(call.model, version: call.version)
    var settings = IndexSettings(
      name: call.index, model: call.model,
      active: .init(version: description.version, bits: description.bits),
      attributes: description.attributes.map { .init(name: $0, weight: 1) })
    if !call.attributes.isEmpty { settings.attributes = try call.attributes.map(IndexSettings.Attribute.init) }
    guard settings.attributes.count <= ItemLimits.attributes,
      Set(settings.attributes.map(\.name)).count == settings.attributes.count
    else {
      throw SearchError(
        .invalid, "attributes has \(settings.attributes.count): name each once, and at most \(ItemLimits.attributes)")
    }
    if case .lambda(let lambda)? = call.lambdaChoice { settings.lambda = lambda }
    if call.topCategories > 0 {
      settings.topCategories = Int(call.topCategories)
    } else if let known = description.categories, known > 0 {
      settings.topCategories = min(settings.topCategories, known)
    }
    try OpenIndex.check(settings, categories: description.categories)
    return settings
  }

  private func provider(named name: String) throws -> any StoreProvider {
    guard let provider = name.isEmpty ? providers.first : providers.first(where: { $0.name == name }) else {
      let known = providers.map(\.name).joined(separator: ", ")
      throw SearchError(
        .invalid, known.isEmpty ? "this server keeps no indexes" : "store is \"\(name)\": this server has \(known)")
    }
    return provider
  }

  public func drop(_ call: WireDropIndexCall) async throws {
    try await reporting {
      let index = try find(call.index)
      entries[call.index] = .changing(provider: index.provider.name)
      await index.close()
      do {
        try await index.provider.drop(call.index)
        entries[call.index] = nil
        logger.notice("index dropped", metadata: ["index": "\(call.index)"])
      } catch {
        entries[call.index] = .failed(provider: index.provider.name, reason: ZooError(searching: error).message)
        throw error
      }
    }
  }

  public func list(_ call: WireListIndexesCall) async throws -> [WireIndexStatus] {
    try await reporting {
      if !call.index.isEmpty, entries[call.index] == nil { throw missing(call.index) }
      var statuses: [WireIndexStatus] = []
      for name in entries.keys.sorted() where call.index.isEmpty || call.index == name {
        var status = WireIndexStatus()
        status.index = name
        switch entries[name] {
        case .open(let index): status = try await index.status()
        case .changing(let provider):
          status.state = .opening
          status.store = provider
        case .failed(let provider, let reason):
          status.state = .failed
          status.store = provider
          status.reason = reason
        case nil: continue
        }
        statuses.append(status)
      }
      return statuses
    }
  }

  /// The names of the open indexes that need a version of a model: those that have its codes, or are getting them.
  public func indexes(hashedBy model: String, version: UInt32) -> [String] {
    entries.keys.sorted().filter { name in
      guard case .open(let index) = entries[name] else { return false }
      let settings = index.settings
      return settings.model == model && [settings.active, settings.next].contains { $0?.version == version }
    }
  }

  private func find(_ name: String) throws -> OpenIndex {
    switch entries[name] {
    case .open(let index): return index
    case .changing:
      throw SearchError(.unavailable, "the index \(name) is being opened or dropped: try again in a moment")
    case .failed(_, let reason):
      throw SearchError(.failedPrecondition, "the index \(name) could not be opened: \(reason)")
    case nil: throw missing(name)
    }
  }

  private func missing(_ name: String) -> SearchError {
    let known = entries.keys.sorted().joined(separator: ", ")
    return SearchError(
      .notFound, "there is no index \"\(name)\": there \(known.isEmpty ? "are none" : "is \(known)")")
  }

  /// Does something with an index. Errors become what a client is told.
  private nonisolated func with<Result: Sendable>(
    _ name: String, _ body: (OpenIndex) async throws -> Result
  ) async throws -> Result {
    try await reporting { try await body(try await find(name)) }
  }

  // MARK: In an index

  public nonisolated func configure(_ call: WireConfigureIndexCall) async throws -> WireIndexStatus {
    try await with(call.index) { index in
      try await index.configure(call)
      return try await index.status()
    }
  }

  public nonisolated func put(
    _ call: WirePutItemsCall, deadline: ContinuousClock.Instant
  ) async throws -> [WirePutItemResult] {
    try await with(call.index) { index in
      guard 1...256 ~= call.items.count else {
        throw SearchError(.invalid, "items has \(call.items.count): put 1 to 256 at a time")
      }
      return try await index.put(call.items, deadline: deadline)
    }
  }

  public nonisolated func remove(_ call: WireRemoveItemsCall) async throws -> [Bool] {
    try await with(call.index) { index in
      guard 1...ItemLimits.batch ~= call.ids.count else {
        throw SearchError(.invalid, "ids has \(call.ids.count): remove 1 to \(ItemLimits.batch) at a time")
      }
      return try await index.writing.shared { try await index.store.remove(call.ids) }
    }
  }

  public nonisolated func get(_ call: WireGetItemsCall) async throws -> WireGetItemsResult {
    try await with(call.index) { try await $0.get(call) }
  }

  public nonisolated func search(
    _ call: WireSearchCall, deadline: ContinuousClock.Instant
  ) async throws -> WireSearchResult {
    try await with(call.index) { try await $0.search(call, deadline: deadline) }
  }

  public nonisolated func rehash(_ call: WireRehashCall) async throws -> WireIndexStatus {
    try await with(call.index) { index in
      if call.cancel || call.forget {
        try await index.stopRehash(forgets: call.forget)
      } else {
        try await index.startRehash(version: call.version, acceptsMissing: call.acceptMissing)
      }
      return try await index.status()
    }
  }

  public nonisolated func rebuild(_ call: WireRebuildIndexCall) async throws -> WireIndexStatus {
    try await with(call.index) { index in
      try await index.writing.exclusive { try await index.store.rebuild() }
      return try await index.status()
    }
  }
}
