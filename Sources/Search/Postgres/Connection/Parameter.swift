/// A value on its way to a server, in PostgreSQL's binary format: integers are big-endian.
struct Parameter: Sendable {
  /// Nil is NULL.
  let bytes: [UInt8]?

  static let null = Parameter(bytes: nil)

  static func int(_ value: Int32) -> Parameter { Parameter(bytes: value.bigEndianBytes) }
  static func bigint(_ value: Int64) -> Parameter { Parameter(bytes: value.bigEndianBytes) }
  static func text(_ value: String) -> Parameter { Parameter(bytes: Array(value.utf8)) }
  static func bytea(_ value: [UInt8]) -> Parameter { Parameter(bytes: value) }
  static func jsonb(_ value: some Encodable) throws -> Parameter {
    // The version of the format stands before the text.
    Parameter(bytes: [1] + (try JSON.encoded(value)))
  }
  /// Bits for Hamming distances, for which it does not matter in which order a byte's stand.
  static func varbit(_ value: [UInt8]) -> Parameter {
    Parameter(bytes: Int32(value.count * 8).bigEndianBytes + value)
  }

  static func ints(_ values: some Collection<Int32>) -> Parameter { array(of: 23, values.map(Parameter.int)) }
  static func bigints(_ values: some Collection<Int64>) -> Parameter { array(of: 20, values.map(Parameter.bigint)) }
  static func texts(_ values: some Collection<String>) -> Parameter { array(of: 25, values.map(Parameter.text)) }
  static func byteas(_ values: some Collection<[UInt8]?>) -> Parameter {
    array(of: 17, values.map(Parameter.init(bytes:)))
  }
  static func varbits(_ values: some Collection<[UInt8]>) -> Parameter { array(of: 1562, values.map(Parameter.varbit)) }
  static func jsonbs(_ values: some Collection<some Encodable>) throws -> Parameter {
    array(of: 3802, try values.map { try Parameter.jsonb($0) })
  }
  static func jsonbs<Value: Encodable>(orNull values: some Collection<Value?>) throws -> Parameter {
    array(of: 3802, try values.map { try $0.map { try Parameter.jsonb($0) } ?? .null })
  }

  /// - Parameter type: the object identifier of the elements' type, as in PostgreSQL's pg_type.dat.
  private static func array(of type: Int32, _ elements: [Parameter]) -> Parameter {
    let size = elements.reduce(20) { $0 + 4 + ($1.bytes?.count ?? 0) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    bytes += Int32(elements.isEmpty ? 0 : 1).bigEndianBytes
    bytes += Int32(elements.contains { $0.bytes == nil } ? 1 : 0).bigEndianBytes
    bytes += type.bigEndianBytes
    guard !elements.isEmpty else { return Parameter(bytes: bytes) }
    bytes += Int32(elements.count).bigEndianBytes
    // The first index.
    bytes += Int32(1).bigEndianBytes
    for element in elements {
      bytes += Int32(element.bytes?.count ?? -1).bigEndianBytes
      if let value = element.bytes { bytes += value }
    }
    return Parameter(bytes: bytes)
  }
}

extension FixedWidthInteger {
  fileprivate var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian, Array.init) }
}
