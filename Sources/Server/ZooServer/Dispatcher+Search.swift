import ZooProtocol
import ZooSearch

extension Dispatcher {
  /// Refuses to remove a version that an index cannot be searched without. The runtime knows of no indexes.
  func refuseInUse(_ call: WireUnregisterCall) async throws {
    guard let indexes = await search?.indexes(hashedBy: call.model, version: call.version), !indexes.isEmpty else {
      return
    }
    throw ZooError(
      .failedPrecondition,
      "\(call.model)@\(call.version) hashes the index\(indexes.count == 1 ? "" : "es") \(indexes.joined(separator: ", ")): "
        + "hash them anew by another version (`zoo index rehash`), or drop them (`zoo index drop`)")
  }

  /// Answers the calls that are about indexes.
  func searchResult(
    of request: WireRequest, deadline: ContinuousClock.Instant
  ) async throws -> WireResponse.OneOf_Result? {
    guard let search else {
      throw ZooError(.failedPrecondition, "this server keeps no indexes: start it with --indexes FOLDER")
    }
    switch request.call {
    case .createIndex(let call):
      var result = WireCreateIndexResult()
      result.status = try await search.create(call)
      return .createIndex(result)
    case .dropIndex(let call):
      try await search.drop(call)
      return .dropIndex(WireDropIndexResult())
    case .listIndexes(let call):
      var result = WireListIndexesResult()
      result.indexes = try await search.list(call)
      return .listIndexes(result)
    case .configureIndex(let call):
      var result = WireConfigureIndexResult()
      result.status = try await search.configure(call)
      return .configureIndex(result)
    case .putItems(let call):
      var result = WirePutItemsResult()
      result.items = try await search.put(call, deadline: deadline)
      return .putItems(result)
    case .removeItems(let call):
      var result = WireRemoveItemsResult()
      result.removed = try await search.remove(call)
      return .removeItems(result)
    case .getItems(let call):
      return .getItems(try await search.get(call))
    case .search(let call):
      return .search(try await search.search(call, deadline: deadline))
    case .rehash(let call):
      var result = WireRehashResult()
      result.status = try await search.rehash(call)
      return .rehash(result)
    case .rebuildIndex(let call):
      var result = WireRebuildIndexResult()
      result.status = try await search.rebuild(call)
      return .rebuildIndex(result)
    default: return nil
    }
  }
}
