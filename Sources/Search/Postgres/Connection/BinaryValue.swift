internal import ZooItems

/// A value in PostgreSQL's binary format, of which integers are big-endian.
struct BinaryValue {
  static var unexpected: SearchError {
    SearchError(.internal, "a server returned something else than was asked for: run tools/deploy/sql on it")
  }

  let bytes: ArraySlice<UInt8>

  func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self, at offset: Int = 0) throws -> Value {
    Value(bigEndian: try part(offset, MemoryLayout<Value>.size).withUnsafeBytes { $0.loadUnaligned(as: Value.self) })
  }

  /// What is behind a header of the format.
  func body(after header: Int) throws -> [UInt8] { Array(try part(header, bytes.count - header)) }

  /// Of an array of one dimension; nil is NULL.
  func elements() throws -> [BinaryValue?] {
    let dimensions = try integer(Int32.self)
    guard dimensions != 0 else { return [] }
    guard dimensions == 1 else { throw Self.unexpected }
    // The dimensions, whether there are NULLs, the elements' type, how many there are, and the first index.
    var offset = 20
    return try (0..<(try integer(Int32.self, at: 12))).map { _ in
      let length = Int(try integer(Int32.self, at: offset))
      offset += 4
      guard length >= 0 else { return nil }
      defer { offset += length }
      return BinaryValue(bytes: try part(offset, length))
    }
  }

  private func part(_ offset: Int, _ count: Int) throws -> ArraySlice<UInt8> {
    guard offset >= 0, count >= 0, bytes.count - offset >= count else { throw Self.unexpected }
    return bytes.dropFirst(offset).prefix(count)
  }
}
