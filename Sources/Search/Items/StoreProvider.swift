/// A place that indexes can be kept in: the server's own disk, or a database.
///
/// Errors are ``SearchError``.
public protocol StoreProvider: Sendable {
  /// As it is named when an index is created.
  var name: String { get }
  /// The indexes that are there.
  func indexes() async throws -> [String]
  func create(_ settings: IndexSettings) async throws -> any ItemStore
  func open(_ index: String) async throws -> any ItemStore
  /// Removes an index for good. Its store has been closed.
  func drop(_ index: String) async throws
}
