/// A statement for a server, with its parameters.
struct Call: Sendable {
  let sql: String
  let parameters: [Parameter]
  /// Prepared when it is first sent over a connection.
  let isPrepared: Bool

  init(_ sql: StaticString, _ parameters: [Parameter] = []) {
    self.sql = sql.description
    self.parameters = parameters
    isPrepared = true
  }

  private init(command: String) {
    sql = command
    parameters = []
    isPrepared = false
  }

  static let begin = Call(command: "BEGIN")
  static let commit = Call(command: "COMMIT")
  static let rollback = Call(command: "ROLLBACK")

  // These take no parameters, but the names in them are made of numbers alone.
  static func prepare(_ transaction: PreparedTransaction) -> Call {
    Call(command: "PREPARE TRANSACTION '\(transaction.gid)'")
  }
  static func commitPrepared(_ transaction: PreparedTransaction) -> Call {
    Call(command: "COMMIT PREPARED '\(transaction.gid)'")
  }
  static func rollbackPrepared(_ transaction: PreparedTransaction) -> Call {
    Call(command: "ROLLBACK PREPARED '\(transaction.gid)'")
  }
}

/// A shard's part in a transaction.
struct PreparedTransaction: Sendable {
  let index: Int32
  let number: Int64
  let shard: Int

  /// What the shard calls it. The shard is named so that several may live in one server.
  var gid: String { "zoo:\(index):\(number):\(shard)" }
}
