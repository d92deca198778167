/// A way to a server: the connection is made when it is needed, and made anew when it was lost.
final class Link {
  let target: String
  private let lockTimeout: Int
  private var connection: Connection?

  init(to target: String, lockTimeout: Int) {
    self.target = target
    self.lockTimeout = lockTimeout
  }

  func opened() throws(PostgresFailure) -> Connection {
    if let connection, connection.isOpen { return connection }
    let connection = try Connection(to: target, lockTimeout: lockTimeout)
    self.connection = connection
    return connection
  }

  func run(_ calls: [Call]) throws(PostgresFailure) -> [Rows] { try opened().run(calls) }
  func run(_ call: Call) throws(PostgresFailure) -> Rows { try opened().run(call) }

  /// Closes the connection: the server rolls back what was going on, and lets go of locks.
  func drop() { connection = nil }
}
