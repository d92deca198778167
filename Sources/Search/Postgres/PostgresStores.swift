public import ZooItems

/// Indexes in a PostgreSQL cluster.
public struct PostgresStores: StoreProvider {
  public let name: String

  private let connection: String

  /// - Parameters:
  ///   - name: as indexes name the store.
  ///   - connection: libpq's connection string of the coordinator.
  public init(name: String, connection: String) {
    self.name = name
    self.connection = connection
  }

  public func indexes() async throws -> [String] {
    try await PostgresStore.indexes(connection: connection)
  }

  public func create(_ settings: IndexSettings) async throws -> any ItemStore {
    try await PostgresStore.create(connection: connection, settings: settings)
  }

  public func open(_ index: String) async throws -> any ItemStore {
    try await PostgresStore.open(connection: connection, name: index)
  }

  public func drop(_ index: String) async throws {
    try await PostgresStore.drop(connection: connection, name: index)
  }
}
