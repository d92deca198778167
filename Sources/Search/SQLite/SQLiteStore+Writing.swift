public import ZooItems

extension SQLiteStore {
  public func settings() async throws -> IndexSettings { try resident.memory().settings }

  public func save(_ settings: IndexSettings) async throws {
    let settings = try settings.checked()
    try await file.reporting { try await queue.alone { [queue] in try queue.save(settings) } }
  }

  public func put(_ items: [NewItem]) async throws -> [PutOutcome] {
    let items = try items.checked()
    // A file of 64 KiB takes about as long as an item.
    let size = items.reduce(items.count) { $0 + ($1.picture.data?.count ?? 0) >> 16 }
    return try await write(size: size) { try $0.put(items) }
  }

  public func remove(_ ids: [String]) async throws -> [Bool] {
    guard ids.count <= ItemLimits.batch else {
      throw SearchError(
        .invalid, "\(ids.count) ids in a batch where \(ItemLimits.batch) are the most: send several batches")
    }
    let ids = ids.map(ItemText.normalized)
    return try await write(size: ids.count) { try $0.remove(ids) }
  }

  // MARK: Versions of the hasher

  public func widths() async throws -> HasherWidths { try resident.memory().widths }

  public func addVersion(_ version: UInt32, bits: Int) async throws {
    try HasherWidths.check(bits: bits, "bits")
    try await write(size: 1) { try $0.addVersion(version, bits: bits) }
  }

  public func setCodes(_ codes: [PictureCode], of version: UInt32) async throws {
    let codes = try codes.checked()
    try await write(size: codes.count) { try $0.set(codes, of: version) }
  }

  public func removeVersion(_ version: UInt32) async throws {
    try await write(size: 1) { try $0.removeVersion(version) }
  }

  private func write<Result: Sendable>(
    size: Int, _ body: @escaping @Sendable (inout WriteTransaction) throws -> Result
  ) async throws -> Result {
    try await file.reporting { try await queue.write(size: size, body) }
  }
}
