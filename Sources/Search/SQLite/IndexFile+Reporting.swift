internal import GRDB
import ZooHamming
import ZooItems

extension IndexFile {
  /// Does something with the database. What fails becomes a `SearchError` that says what to do.
  nonisolated(nonsending) func reporting<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as DatabaseError {
      throw searchError(error)
    } catch let error as HammingIndexError {
      throw searchError(error)
    }
  }

  private func searchError(_ error: HammingIndexError) -> SearchError {
    switch error.code {
    case .invalidOption: SearchError(.invalid, error.message, cause: error)
    case .outOfMemory: SearchError(.unavailable, error.message, cause: error)
    default: SearchError(.internal, error.message, cause: error)
    }
  }

  private func searchError(_ error: DatabaseError) -> SearchError {
    let reason = error.message ?? "no reason given"
    return switch error.resultCode {
    case .SQLITE_FULL:
      SearchError(
        .unavailable, "there is no room left for \(path): make some and try again; nothing was stored", cause: error)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      SearchError(
        .dataLoss, "\(path) is damaged (\(reason)): restore it from a copy, or create the index anew", cause: error)
    case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
      SearchError(
        .unavailable, "\(path) cannot be read or written (\(reason)): see to its disk and permissions", cause: error)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      SearchError(.unavailable, "\(path) is being used by another program: end that and try again", cause: error)
    case .SQLITE_NOMEM: SearchError(.unavailable, "there is no memory left for \(path): try again later", cause: error)
    // What a closed pool says.
    case .SQLITE_MISUSE: SearchError(.unavailable, "the index is closed: open it again", cause: error)
    default: SearchError(.internal, "\(path): \(reason)", cause: error)
    }
  }
}
