internal import CPostgres
internal import ZooItems

/// What a statement returned, in PostgreSQL's binary format.
final class Rows {
  private let result: OpaquePointer

  /// Takes over a `PGresult`.
  init(_ result: OpaquePointer) { self.result = result }

  deinit { PQclear(result) }

  var count: Int { Int(PQntuples(result)) }

  /// What was done: "COMMIT".
  var commandTag: String { String(cString: PQcmdStatus(result)) }

  func isNull(_ row: Int, _ column: Int) -> Bool { PQgetisnull(result, Int32(row), Int32(column)) == 1 }

  func bool(_ row: Int, _ column: Int) throws -> Bool { try value(row, column).integer(UInt8.self) != 0 }
  func int(_ row: Int, _ column: Int) throws -> Int32 { try value(row, column).integer() }
  func bigint(_ row: Int, _ column: Int) throws -> Int64 { try value(row, column).integer() }
  func text(_ row: Int, _ column: Int) throws -> String {
    String(decoding: try value(row, column).bytes, as: UTF8.self)
  }
  func bytea(_ row: Int, _ column: Int) throws -> [UInt8] { Array(try value(row, column).bytes) }

  func json<Value: Decodable>(_ row: Int, _ column: Int, as type: Value.Type = Value.self) throws -> Value {
    // The version of the format stands before the text.
    try JSON.decoded(try value(row, column).body(after: 1))
  }

  /// An object whose values are strings.
  func strings(_ row: Int, _ column: Int) throws -> [String: String] {
    try JSON.strings(try value(row, column).body(after: 1))
  }

  // Arrays. Nil is NULL.
  func ints(_ row: Int, _ column: Int) throws -> [Int32?] {
    try value(row, column).elements().map { try $0?.integer() }
  }
  func bigints(_ row: Int, _ column: Int) throws -> [Int64?] {
    try value(row, column).elements().map { try $0?.integer() }
  }
  func varbits(_ row: Int, _ column: Int) throws -> [[UInt8]?] {
    // The number of bits stands before them.
    try value(row, column).elements().map { try $0?.body(after: 4) }
  }
  func texts(_ row: Int, _ column: Int) throws -> [String] {
    try value(row, column).elements().compactMap { $0.map { String(decoding: $0.bytes, as: UTF8.self) } }
  }

  private func value(_ row: Int, _ column: Int) throws -> BinaryValue {
    guard row < count, column < Int(PQnfields(result)), !isNull(row, column),
      let start = PQgetvalue(result, Int32(row), Int32(column))
    else { throw BinaryValue.unexpected }
    let length = Int(PQgetlength(result, Int32(row), Int32(column)))
    return BinaryValue(bytes: Array(UnsafeRawBufferPointer(start: start, count: length))[...])
  }
}
