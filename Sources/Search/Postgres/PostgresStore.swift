public import ZooItems

/// An index in PostgreSQL: a coordinator and shards, for when one machine is outgrown.
///
/// tools/deploy/README.md says how they are set up. Any number of processes have an index open at a time; writes to one
/// index take turns. Where a server goes, calls wait for the one that takes its place.
public final class PostgresStore: ItemStore {
  public struct Options: Sendable {
    /// Connections for reading, each with a thread.
    public var readers: Int
    /// How long a call waits for a server that is away, or for others that write.
    public var patience: Duration

    public init(readers: Int = 4, patience: Duration = .seconds(30)) {
      self.readers = readers
      self.patience = patience
    }
  }

  /// What the index is called on the servers, where another may get its name once it is dropped.
  let index: Int32
  let cluster: Cluster

  private init(_ index: Int32, in cluster: Cluster) {
    self.index = index
    self.cluster = cluster
  }

  // MARK: Indexes

  /// Makes an index and opens it.
  ///
  /// - Parameters:
  ///   - connection: libpq's connection string of the coordinator, with all its hosts:
  ///     `host=db1,db2 dbname=zoo user=zoo target_session_attrs=read-write`.
  ///   - settings: the store takes codes of the active version, and of the next one if there is one. Names match
  ///     `[a-z0-9][a-z0-9._-]{0,63}`.
  /// - Throws: `SearchError`: `alreadyExists`; `invalid`; `failedPrecondition` where the servers are not set up for it.
  public static func create(
    connection: String, settings: IndexSettings, options: Options = Options()
  ) async throws -> PostgresStore {
    let settings = try settings.checked()
    try checkName(settings.name)
    return try await withCluster(connection, options) { cluster in
      PostgresStore(try await cluster.write { try $0.create(settings) }, in: cluster)
    }
  }

  /// Opens an index.
  ///
  /// - Throws: `SearchError`: `notFound`; `failedPrecondition` where the servers are not set up for it.
  public static func open(
    connection: String, name: String, options: Options = Options()
  ) async throws -> PostgresStore {
    try checkName(name)
    return try await withCluster(connection, options) { cluster in
      PostgresStore(try await cluster.write { try $0.open(name) }, in: cluster)
    }
  }

  /// Removes an index for good. Stores that have it open fail with `notFound` from then on.
  ///
  /// - Throws: `SearchError`: `notFound`.
  public static func drop(connection: String, name: String, options: Options = Options()) async throws {
    try checkName(name)
    let cluster = try await withCluster(connection, options) { cluster in
      try await cluster.write { try $0.drop(name) }
      return cluster
    }
    await cluster.close()
  }

  /// The names of the indexes that are there, in order.
  public static func indexes(connection: String, options: Options = Options()) async throws -> [String] {
    let (cluster, names) = try await withCluster(connection, options) { cluster in
      let names = try await cluster.read { link in
        let rows = try link.run(Call("SELECT name FROM zoo.indexes ORDER BY name"))
        return try (0..<rows.count).map { try rows.text($0, 0) }
      }
      return (cluster, names)
    }
    await cluster.close()
    return names
  }

  public func close() async { await cluster.close() }

  /// Closes the cluster where `body` fails.
  private static func withCluster<Value>(
    _ connection: String, _ options: Options, _ body: (Cluster) async throws -> Value
  ) async throws -> Value {
    let cluster = Cluster(connection, options: options)
    do {
      return try await body(cluster)
    } catch {
      await cluster.close()
      throw error
    }
  }

  private static func checkName(_ name: String) throws {
    let isValid =
      (1...64).contains(name.utf8.count)
      && name.utf8.enumerated().allSatisfy { place, byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): place > 0
        default: false
        }
      }
    guard isValid else {
      throw SearchError(
        .invalid,
        "the index name is \"\(name)\": take 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", and begin with a letter or digit"
      )
    }
  }
}
