import Foundation
import Logging
import SwiftProtobuf
import ZooBackend
import ZooCPU
import ZooEventually
import ZooProtocol
import ZooRuntime
import ZooSQLiteStore
import ZooSearch
import ZooSearchHasher
import ZooServer
import ZooTinyModels

/// A whole search service in this process: a runtime with tiny hashers, indexes in a folder of its own.
final class SearchBench: Sendable {
  let folder: TemporaryFolder
  let runtime: ModelRuntime
  let service: SearchService

  /// - Parameters:
  ///   - folder: of an earlier bench, to open what it left.
  ///   - hashers: are installed before the runtime starts.
  init(
    folder: TemporaryFolder? = nil, hashers: [TinyHasher] = [TinyHasher()], prepare: (URL) throws -> Void = { _ in }
  ) async throws {
    let isNew = folder == nil
    self.folder = try folder ?? TemporaryFolder()
    let models = self.folder.url.appending(path: "models")
    if isNew {
      for hasher in hashers { try hasher.install(in: models) }
      try prepare(models)
    }
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    runtime = try ModelRuntime(
      .init(models: models, preparationThreads: 2), plugins: [SearchHasherPlugin.self],
      backends: [CPUBackend(threads: 2), ReferenceBackend()], logger: logger)
    await runtime.start()
    service = SearchService(
      hasher: RuntimeHasher(runtime),
      providers: [EmbeddedStores(folder: self.folder.url.appending(path: "indexes"), threads: 2)], hashingWidth: 4,
      logger: logger)
    await service.start()
  }

  func stop() async {
    await service.shutdown()
    await runtime.shutdown()
  }

  @discardableResult
  func create(_ index: String = "things", _ change: (inout WireCreateIndexCall) -> Void = { _ in }) async throws
    -> WireIndexStatus
  {
    var call = WireCreateIndexCall()
    call.index = index
    call.model = "tiny-hasher"
    change(&call)
    return try await service.create(call)
  }

  @discardableResult
  func put(_ items: [WirePutItem], into index: String = "things") async throws -> [WirePutItemResult] {
    var call = WirePutItemsCall()
    call.index = index
    call.items = items
    return try await service.put(call, deadline: .now + .seconds(600))
  }

  func remove(_ ids: [String], from index: String = "things") async throws -> [Bool] {
    var call = WireRemoveItemsCall()
    call.index = index
    call.ids = ids
    return try await service.remove(call)
  }

  func search(in index: String = "things", _ change: (inout WireSearchCall) -> Void) async throws -> WireSearchResult {
    var call = WireSearchCall()
    call.index = index
    change(&call)
    return try await service.search(call, deadline: .now + .seconds(600))
  }

  func rehash(_ index: String = "things", _ change: (inout WireRehashCall) -> Void = { _ in }) async throws {
    var call = WireRehashCall()
    call.index = index
    change(&call)
    _ = try await service.rehash(call)
  }

  func status(of index: String = "things") async throws -> WireIndexStatus {
    var call = WireListIndexesCall()
    call.index = index
    return try await service.list(call)[0]
  }

  /// Waits until nothing is hashed anew any more.
  func waitForRehash(of index: String = "things") async throws -> WireIndexStatus {
    try await eventually("hashing anew ends") { try await status(of: index).state != .rehashing }
    return try await status(of: index)
  }
}

/// A bench for as long as `body` runs.
func withBench(
  hashers: [TinyHasher] = [TinyHasher()], prepare: (URL) throws -> Void = { _ in },
  _ body: (SearchBench) async throws -> Void
) async throws {
  let bench = try await SearchBench(hashers: hashers, prepare: prepare)
  do {
    try await body(bench)
  } catch {
    await bench.stop()
    throw error
  }
  await bench.stop()
}

extension WirePutItem {
  /// An item that shows the picture of a seed.
  static func item(
    _ id: String, picture seed: Int, category: String = "", attributes: [String: String] = [:]
  ) throws -> WirePutItem {
    .with {
      $0.id = id
      $0.category = category
      $0.attributes = attributes
      $0.picture = (try? TinyHasher.picture(seed)) ?? Data()
    }
  }
}
