import Logging
import Synchronization
import ZooItems
import ZooProtocol

/// An index that is open: its store, its settings and the hashing anew that may be going on.
///
/// Puts hold `writing` shared, and a change of the versions that a put hashes with holds it alone: no item is stored
/// without a code of the version that answers.
final class OpenIndex: Sendable {
  struct State {
    var settings: IndexSettings
    var rehash: Rehash?
    /// Why hashing anew has stopped.
    var rehashFailure = ""
    var isClosed = false
    /// Another version is becoming the active one: some of what is read is that one's already.
    var isSwitching = false
  }

  /// Hashing anew, as it goes on.
  struct Rehash {
    let id: UInt64
    var task: Task<Void, Never>?
    var failed = 0
  }

  let name: String
  let provider: any StoreProvider
  let store: any ItemStore
  let hasher: any PictureHasher
  /// For hashing of which nobody waits for one picture alone.
  let hashing: Turnstile
  let logger: Logger
  let writing = SharedLock()
  let state: Mutex<State>

  init(
    _ settings: IndexSettings, provider: any StoreProvider, store: any ItemStore, hasher: any PictureHasher,
    hashing: Turnstile, logger: Logger
  ) {
    name = settings.name
    self.provider = provider
    self.store = store
    self.hasher = hasher
    self.hashing = hashing
    self.logger = logger
    state = Mutex(State(settings: settings))
  }

  var settings: IndexSettings { state.withLock { $0.settings } }

  /// Saves what `change` makes of the settings, and goes by it. With `writing` held alone.
  func change(_ change: @Sendable (inout IndexSettings) throws -> Void) async throws {
    var settings = settings
    let active = settings.active
    try change(&settings)
    state.withLock { [settings] in $0.isSwitching = settings.active != active }
    defer { state.withLock { $0.isSwitching = false } }
    try await store.save(settings)
    state.withLock { [settings] in $0.settings = settings }
  }

  func close() async {
    let task = state.withLock { state in
      state.isClosed = true
      return state.rehash?.task
    }
    task?.cancel()
    await task?.value
    await store.close()
  }

  func status() async throws -> WireIndexStatus {
    let (settings, rehash, failure) = state.withLock { ($0.settings, $0.rehash, $0.rehashFailure) }
    let statistics = try await store.statistics()
    var status = WireIndexStatus()
    status.index = name
    status.state = rehash == nil ? .ready : .rehashing
    status.reason = failure
    if settings.next != nil, rehash == nil, failure.isEmpty {
      status.reason = "hashing it anew was stopped: `zoo index rehash \(name)` goes on with it"
    }
    status.model = settings.model
    func version(_ hasher: IndexSettings.Hasher, without: Int) -> WireIndexVersion {
      var version = WireIndexVersion()
      version.version = hasher.version
      version.bits = UInt32(hasher.bits)
      version.pictures = UInt64(statistics.codes[hasher.version] ?? 0)
      version.without = UInt64(without)
      return version
    }
    status.active = version(settings.active, without: 0)
    if let next = settings.next { status.next = version(next, without: rehash?.failed ?? 0) }
    status.attributes = settings.attributes.map(WireIndexAttribute.init)
    status.lambda = settings.lambda
    status.topCategories = UInt32(settings.topCategories)
    status.store = provider.name
    status.items = UInt64(statistics.items)
    status.pictures = UInt64(statistics.pictures)
    status.duplicates = UInt64(max(0, statistics.items - statistics.pictures))
    status.categories = statistics.categories.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { name, count in
      var category = WireCategoryCount()
      category.category = name
      category.items = UInt64(count)
      return category
    }
    status.codeBytes = UInt64(statistics.codeBytes)
    status.otherBytes = UInt64(statistics.otherBytes)
    status.diskBytes = UInt64(statistics.diskBytes)
    return status
  }
}

extension WireIndexAttribute {
  init(_ attribute: IndexSettings.Attribute) {
    self.init()
    name = attribute.name
    weight = attribute.weight
  }
}
