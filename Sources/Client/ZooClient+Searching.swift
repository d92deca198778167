import SwiftProtobuf
public import ZooProtocol

/// Visual search: indexes of pictures that the server hashes, and what is like a picture in them.
extension ZooClient {
  // MARK: Indexes

  /// Makes an index; `call.index` and `call.model` must be set.
  public func createIndex(_ call: WireCreateIndexCall) async throws -> WireIndexStatus {
    guard case .createIndex(let result) = try await self.call(.createIndex(call)) else {
      throw Self.unexpected("create_index")
    }
    return result.status
  }

  /// Removes an index with all of its items.
  public func dropIndex(_ name: String) async throws {
    var drop = WireDropIndexCall()
    drop.index = name
    guard case .dropIndex = try await call(.dropIndex(drop), timeout: Self.loadingTime) else {
      throw Self.unexpected("drop_index")
    }
  }

  /// All indexes, as they stand.
  public func indexes() async throws -> [WireIndexStatus] {
    try await listedIndexes(WireListIndexesCall())
  }

  /// One index, as it stands.
  public func index(_ name: String) async throws -> WireIndexStatus {
    var list = WireListIndexesCall()
    list.index = name
    guard let status = try await listedIndexes(list).first else {
      throw ZooError(.notFound, "there is no index \(name): `zoo index list` shows what there is")
    }
    return status
  }

  private func listedIndexes(_ list: WireListIndexesCall) async throws -> [WireIndexStatus] {
    guard case .listIndexes(let result) = try await call(.listIndexes(list)) else {
      throw Self.unexpected("list_indexes")
    }
    return result.indexes
  }

  /// Changes how an index ranks. What is unset or empty in `call` stays as it is.
  public func configureIndex(_ call: WireConfigureIndexCall) async throws -> WireIndexStatus {
    guard case .configureIndex(let result) = try await self.call(.configureIndex(call)) else {
      throw Self.unexpected("configure_index")
    }
    return result.status
  }

  /// Hashes an index anew, in the background, by another version of its model; the serving one where `version` is 0. Goes
  /// on where it was stopped. ``index(_:)`` tells how far it is.
  ///
  /// - Parameter acceptsMissing: completes it although some pictures cannot be hashed; their items are not found any more.
  public func rehash(index: String, version: UInt32 = 0, acceptsMissing: Bool = false) async throws -> WireIndexStatus {
    try await rehash(.with { ($0.index, $0.version, $0.acceptMissing) = (index, version, acceptsMissing) })
  }

  /// Stops what ``rehash(index:version:acceptsMissing:)`` began. What was done stays, unless `forgets` is true.
  public func stopRehash(ofIndex index: String, forgets: Bool = false) async throws -> WireIndexStatus {
    try await rehash(.with { ($0.index, $0.cancel, $0.forget) = (index, !forgets, forgets) })
  }

  private func rehash(_ rehash: WireRehashCall) async throws -> WireIndexStatus {
    guard case .rehash(let result) = try await call(.rehash(rehash)) else { throw Self.unexpected("rehash") }
    return result.status
  }

  /// Derives all that is derived from the stored items anew, and checks it.
  public func rebuildIndex(_ name: String) async throws -> WireIndexStatus {
    var rebuild = WireRebuildIndexCall()
    rebuild.index = name
    guard case .rebuildIndex(let result) = try await call(.rebuildIndex(rebuild), timeout: Self.loadingTime) else {
      throw Self.unexpected("rebuild_index")
    }
    return result.status
  }

  // MARK: Items

  /// Adds items, or replaces those whose ids are there; they are stored and found when this returns.
  ///
  /// - Parameter items: 1 to 256; their frame must fit ``hello()``'s `limits.frameBytes`.
  /// - Returns: one result for each item, in their order: one bad item fails alone. Where the connection broke on the
  ///   way and the call was repeated, `replaced` is true for what the first attempt had stored.
  public func put(
    _ items: [WirePutItem], into index: String, timeout: Duration? = nil
  ) async throws -> WirePutItemsResult {
    var put = WirePutItemsCall()
    put.index = index
    put.items = items
    guard case .putItems(let result) = try await call(.putItems(put), timeout: timeout),
      result.items.count == items.count
    else { throw Self.unexpected("put_items") }
    return result
  }

  /// - Parameter ids: 1 to 1024.
  /// - Returns: for each id, whether it was there; false as well for what the first attempt of a repeated call removed.
  public func remove(_ ids: [String], from index: String) async throws -> [Bool] {
    var remove = WireRemoveItemsCall()
    remove.index = index
    remove.ids = ids
    guard case .removeItems(let result) = try await call(.removeItems(remove)), result.removed.count == ids.count else {
      throw Self.unexpected("remove_items")
    }
    return result.removed
  }

  /// The items with these ids; those that are not there are left out.
  ///
  /// - Parameters:
  ///   - ids: 1000 at most.
  ///   - pictures: brings the pictures' files along.
  public func items(_ ids: [String], of index: String, pictures: Bool = false) async throws -> [WireStoredItem] {
    // Without ids the call means all items.
    guard !ids.isEmpty else { return [] }
    return try await items(.with { ($0.index, $0.ids, $0.pictures) = (index, ids, pictures) }).items
  }

  /// Items in the order in which they were put, from the first behind `after`.
  ///
  /// - Parameters:
  ///   - after: 0, or what came back as `next` the time before.
  ///   - limit: 1 to 1000.
  /// - Returns: `next` is 0 where these were the last.
  public func items(
    of index: String, after: UInt32, limit: UInt32 = 100, pictures: Bool = false
  ) async throws -> WireGetItemsResult {
    try await items(.with { ($0.index, $0.after, $0.limit, $0.pictures) = (index, after, limit, pictures) })
  }

  private func items(_ get: WireGetItemsCall) async throws -> WireGetItemsResult {
    guard case .getItems(let result) = try await call(.getItems(get)) else { throw Self.unexpected("get_items") }
    return result
  }

  /// What is like a picture, an item or a code in an index, the likest first.
  public func search(_ call: WireSearchCall, timeout: Duration? = nil) async throws -> WireSearchResult {
    guard case .search(let result) = try await self.call(.search(call), timeout: timeout) else {
      throw Self.unexpected("search")
    }
    return result
  }
}
