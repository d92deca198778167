internal import ZooItems

/// What a server, or the way to it, failed with.
struct PostgresFailure: Error, Sendable {
  /// SQLSTATE, as in appendix A of PostgreSQL's manual and at the head of tools/deploy/sql/shard.sql; nil where the connection
  /// was lost or not made.
  let state: String?
  /// What the server, or libpq, says.
  let text: String

  var isConnectionLost: Bool { state == nil }
  /// An earlier transaction has to be finished first.
  var isInDoubt: Bool { state == "ZOO05" }
  /// A transaction that was prepared is not there: somebody has finished it.
  var isFinishedTransaction: Bool { state == "42704" }

  /// It may be otherwise in a moment: a server has gone, and another takes its place.
  var mayPass: Bool {
    guard let state else { return true }
    if state.hasPrefix("08") || isInDoubt { return true }
    switch state {
    // A server that stops, crashed or starts; one that cannot be written to; too many connections; a deadlock; a
    // transaction that its client is just preparing.
    case "57P01", "57P02", "57P03", "25006", "53300", "40001", "40P01", "55000": return true
    // PL/Proxy says no more of a shard that it cannot reach.
    case "XX000": return text.contains("PL/Proxy") || text.contains("REMOTE")
    default: return false
    }
  }

  var searchError: SearchError {
    // PL/Proxy puts its own words before a shard's.
    let text = text.split(separator: "REMOTE ERROR: ").last.map(String.init) ?? text
    switch state {
    case nil:
      return SearchError(.unavailable, "the PostgreSQL store cannot be reached: is the server up? \(text)", cause: self)
    case "ZOO01": return SearchError(.invalid, text, cause: self)
    case "ZOO02": return SearchError(.notFound, text, cause: self)
    case "ZOO03": return SearchError(.failedPrecondition, text, cause: self)
    case "55P03":
      return SearchError(
        .unavailable, "the index is being written to for too long: try again, or see who holds its lock", cause: self)
    case "53100", "53200":
      return SearchError(.unavailable, "a PostgreSQL server is full: give it room. \(text)", cause: self)
    case "42883", "3F000", "42P01", "0A000":
      return SearchError(
        .failedPrecondition,
        "the database is not set up for the store: run tools/deploy/sql on it, see tools/deploy/README.md. \(text)",
        cause: self)
    case "28000", "28P01", "42501":
      return SearchError(.failedPrecondition, "the database does not let the store in: \(text)", cause: self)
    case "XX001", "XX002": return SearchError(.dataLoss, "a PostgreSQL server has damaged data: \(text)", cause: self)
    default:
      if mayPass {
        return SearchError(
          .unavailable, "the PostgreSQL store does not answer: are all shards up? \(text)", cause: self)
      }
      return SearchError(.internal, "a PostgreSQL server failed with \(state ?? ""): \(text)", cause: self)
    }
  }
}
