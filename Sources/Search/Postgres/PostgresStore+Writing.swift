public import ZooItems

extension PostgresStore {
  public func settings() async throws -> IndexSettings {
    let begin = Call("SELECT * FROM zoo.begin_reading($1)", [.int(index)])
    return try await cluster.read { link in try IndexState(try link.run(begin)).settings }
  }

  public func save(_ settings: IndexSettings) async throws {
    let settings = try settings.checked()
    try await cluster.write { [index] in try $0.save(settings, of: index) }
  }

  public func put(_ items: [NewItem]) async throws -> [PutOutcome] {
    let items = try items.checked()
    return try await cluster.write { [index] in try $0.put(items, to: index) }
  }

  public func remove(_ ids: [String]) async throws -> [Bool] {
    guard ids.count <= ItemLimits.batch else {
      throw SearchError(
        .invalid, "\(ids.count) ids in a batch where \(ItemLimits.batch) are the most: send several batches")
    }
    let ids = ids.map { ItemText.normalized($0).storable ?? "" }
    return try await cluster.write { [index] in try $0.remove(ids, from: index) }
  }

  // MARK: Versions of the hasher

  public func widths() async throws -> HasherWidths {
    let begin = Call("SELECT * FROM zoo.begin_reading($1)", [.int(index)])
    return try await cluster.read { link in try IndexState(try link.run(begin)).widths }
  }

  public func addVersion(_ version: UInt32, bits: Int) async throws {
    try HasherWidths.check(bits: bits, "bits")
    try await cluster.write { [index] in try $0.addVersion(version, bits: bits, to: index) }
  }

  public func setCodes(_ codes: [PictureCode], of version: UInt32) async throws {
    let codes = try codes.checked()
    try await cluster.write { [index] in try $0.set(codes, of: version, in: index) }
  }

  public func removeVersion(_ version: UInt32) async throws {
    try await cluster.write { [index] in try $0.removeVersion(version, from: index) }
  }

  /// Makes the code tables anew from the pictures' codes, and counts the categories.
  ///
  /// Writes and searches wait meanwhile.
  public func rebuild() async throws {
    try await cluster.write { [index] in try $0.rebuild(index) }
  }
}
