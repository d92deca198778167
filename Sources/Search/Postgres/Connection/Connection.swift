internal import CPostgres

/// A connection to a server through libpq. Its calls block, and belong to one thread at a time.
final class Connection {
  private let handle: OpaquePointer
  /// Names of prepared statements by their text.
  private var prepared: [String: String] = [:]
  /// How many statements have been sent whose answers are to come.
  private var awaited = 0
  /// True once something happened after which nothing can be said of what is to come.
  private var isLost = false

  /// - Parameters:
  ///   - target: libpq's connection string. With several hosts the one is taken that can be written to.
  ///   - lockTimeout: seconds that a statement waits for a lock.
  init(to target: String, lockTimeout: Int) throws(PostgresFailure) {
    try Self.check(target)
    // What the connection string says goes before these.
    let defaults = [
      "connect_timeout": "5", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3",
      "tcp_user_timeout": "25000", "target_session_attrs": "read-write", "fallback_application_name": "zoo",
    ]
    let keywords = Array(defaults.keys) + ["dbname"]
    let values = Array(defaults.values) + [target]
    let opened = withCStrings(keywords) { keywords in
      withCStrings(values) { values in PQconnectdbParams(keywords, values, 1) }
    }
    guard let opened else { throw PostgresFailure(state: nil, text: "there is no memory for a connection") }
    handle = opened
    guard isOpen else { throw lost() }
    PQsetNoticeProcessor(handle, { _, _ in }, nil)
    _ = try run(Call("SELECT set_config('lock_timeout', $1, false)", [.text("\(lockTimeout)s")]))
  }

  deinit { PQfinish(handle) }

  var isOpen: Bool { !isLost && PQstatus(handle) == CONNECTION_OK }

  /// Sends statements and waits for what they return.
  ///
  /// All are one transaction unless they begin or end one. The first that fails is thrown, and those behind it do not run. All
  /// but the last return little: nothing is read while they are being sent.
  func run(_ calls: [Call]) throws(PostgresFailure) -> [Rows] {
    try send(calls)
    return try receive()
  }

  func run(_ call: Call) throws(PostgresFailure) -> Rows { try run([call])[0] }

  /// ``run(_:)-([Call])`` up to where it waits.
  func send(_ calls: [Call]) throws(PostgresFailure) {
    for call in calls where call.isPrepared { try prepare(call.sql) }
    guard PQenterPipelineMode(handle) == 1 else { throw lost() }
    for call in calls {
      let sent = withCValues(call.parameters) { values, lengths, formats in
        let count = Int32(call.parameters.count)
        if let name = prepared[call.sql], call.isPrepared {
          return PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
        }
        return PQsendQueryParams(handle, call.sql, count, nil, values, lengths, formats, 1)
      }
      guard sent == 1 else { throw lost() }
    }
    guard PQpipelineSync(handle) == 1 else { throw lost() }
    awaited = calls.count
  }

  /// What the statements returned that were sent last.
  func receive() throws(PostgresFailure) -> [Rows] {
    var rows: [Rows] = []
    var failure: PostgresFailure?
    for _ in 0..<awaited {
      guard let result = PQgetResult(handle) else { throw lost() }
      switch PQresultStatus(result) {
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK: rows.append(Rows(result))
      default:
        if failure == nil { failure = self.failure(of: result) }
        PQclear(result)
        guard isOpen else {
          isLost = true
          throw failure ?? lost()
        }
      }
      // Ends the statement's results.
      if let surplus = PQgetResult(handle) {
        PQclear(surplus)
        throw lost()
      }
    }
    awaited = 0
    guard let synchronized = PQgetResult(handle) else { throw lost() }
    PQclear(synchronized)
    guard PQexitPipelineMode(handle) == 1 else { throw lost() }
    if let failure { throw failure }
    return rows
  }

  private static func check(_ target: String) throws(PostgresFailure) {
    var reason: UnsafeMutablePointer<CChar>?
    let options = PQconninfoParse(target, &reason)
    defer {
      PQconninfoFree(options)
      PQfreemem(reason)
    }
    guard options == nil else { return }
    let text = reason.map { String(cString: $0).trimmed } ?? ""
    throw PostgresFailure(state: "ZOO01", text: "the connection string is not one of PostgreSQL's: \(text)")
  }

  private func prepare(_ sql: String) throws(PostgresFailure) {
    guard prepared[sql] == nil else { return }
    let name = "zoo\(prepared.count)"
    guard let result = PQprepare(handle, name, sql, 0, nil) else { throw lost() }
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(of: result) }
    prepared[sql] = name
  }

  private func failure(of result: OpaquePointer) -> PostgresFailure {
    // PG_DIAG_SQLSTATE and PG_DIAG_MESSAGE_PRIMARY of postgres_ext.h, which are character constants.
    func field(_ letter: Character) -> String? {
      PQresultErrorField(result, Int32(letter.asciiValue ?? 0)).map { String(cString: $0) }
    }
    guard isOpen || field("C") != nil, let state = field("C") else { return lost() }
    return PostgresFailure(state: state, text: field("M") ?? "no reason is given")
  }

  private func lost() -> PostgresFailure {
    isLost = true
    let text = String(cString: PQerrorMessage(handle)).trimmed
    return PostgresFailure(state: nil, text: text.isEmpty ? "the connection was lost" : text)
  }
}

extension String {
  /// On one line.
  fileprivate var trimmed: String { split(whereSeparator: \.isNewline).joined(separator: "; ") }
}

/// Calls `body` with C strings, which end with its return, behind which there is a null pointer.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
  let copies = strings.map { Array($0.utf8CString) }
  var pointers: [UnsafePointer<CChar>?] = []
  func next() -> Result {
    guard pointers.count < copies.count else {
      pointers.append(nil)
      return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
    return copies[pointers.count].withUnsafeBufferPointer { copy in
      pointers.append(copy.baseAddress)
      return next()
    }
  }
  return next()
}

/// Calls `body` with the values, lengths and formats of binary parameters.
private func withCValues(
  _ parameters: [Parameter],
  _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>, UnsafePointer<Int32>) -> Int32
) -> Int32 {
  // With one more, so that there is an address where there are no parameters.
  let lengths = parameters.map { Int32($0.bytes?.count ?? 0) } + [0]
  let formats = [Int32](repeating: 1, count: parameters.count + 1)
  var pointers: [UnsafePointer<CChar>?] = []
  func next() -> Int32 {
    guard pointers.count < parameters.count else {
      pointers.append(nil)
      return pointers.withUnsafeBufferPointer { pointers in
        lengths.withUnsafeBufferPointer { lengths in
          formats.withUnsafeBufferPointer { formats in
            body(pointers.baseAddress!, lengths.baseAddress!, formats.baseAddress!)
          }
        }
      }
    }
    guard let bytes = parameters[pointers.count].bytes else {
      pointers.append(nil)
      return next()
    }
    return bytes.withUnsafeBytes { bytes in
      // Not null, which would be NULL, where there are no bytes.
      pointers.append(bytes.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafePointer(bitPattern: 1))
      return next()
    }
  }
  return next()
}
