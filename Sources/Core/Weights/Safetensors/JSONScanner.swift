/// Reads JSON (RFC 8259) by what is expected next, for the header of a safetensors file.
///
/// It builds no tree, so nesting costs no stack, and it refuses what a lenient parser lets pass: the same key
/// twice, numbers that are not counts, text after the end.
struct JSONScanner {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// An object; `member` is called at every value, with its key, and reads it.
  mutating func object(
    _ member: (inout JSONScanner, String) throws(WeightsError) -> Void
  ) throws(WeightsError) {
    try expect(UInt8(ascii: "{"))
    var keys: Set<String> = []
    if take(UInt8(ascii: "}")) { return }
    repeat {
      let key = try string()
      guard keys.insert(key).inserted else { throw malformed("the key \(quoted(key)) appears twice") }
      try expect(UInt8(ascii: ":"))
      try member(&self, key)
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"))
  }

  /// An array of counts, of no more than `maximumCount`.
  mutating func counts(maximumCount: Int) throws(WeightsError) -> [Int] {
    try expect(UInt8(ascii: "["))
    var values: [Int] = []
    if take(UInt8(ascii: "]")) { return values }
    repeat {
      guard values.count < maximumCount else { throw malformed("an array has more than \(maximumCount) numbers") }
      values.append(try count())
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
    return values
  }

  mutating func string() throws(WeightsError) -> String {
    try expect(UInt8(ascii: "\""))
    var units: [UInt8] = []
    while true {
      let byte = try next()
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: units, as: UTF8.self) else {
          throw malformed("a string is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"):
        try units.append(contentsOf: escapedCharacter())
      case 0..<0x20:
        throw malformed("a string holds the control character \(byte)")
      default:
        units.append(byte)
      }
    }
  }

  /// Checks that only white space is left.
  mutating func end() throws(WeightsError) {
    skipWhitespace()
    guard offset == bytes.count else { throw malformed("something follows the object") }
  }

  func malformed(_ what: String) -> WeightsError {
    WeightsError(.malformed, "the safetensors header is not valid at its byte \(offset): \(what)")
  }
}

extension JSONScanner {
  /// A whole number that is not negative, without exponent or fraction.
  private mutating func count() throws(WeightsError) -> Int {
    skipWhitespace()
    var value = 0
    let start = offset
    while offset < bytes.count, case let digit = bytes[offset], (0x30...0x39).contains(digit) {
      guard offset == start || value > 0 else { throw malformed("a number has a leading zero") }
      let (tens, overflowTens) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowSum) = tens.addingReportingOverflow(Int(digit - 0x30))
      guard !overflowTens, !overflowSum else { throw malformed("a number is too large") }
      value = sum
      offset += 1
    }
    guard offset > start else { throw malformed("a whole number of 0 or more is expected") }
    return value
  }

  /// What follows a backslash, as UTF-8.
  private mutating func escapedCharacter() throws(WeightsError) -> [UInt8] {
    switch try next() {
    case UInt8(ascii: "\""): return [0x22]
    case UInt8(ascii: "\\"): return [0x5C]
    case UInt8(ascii: "/"): return [0x2F]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var units = [try hexadecimalUnit()]
      if UTF16.isLeadSurrogate(units[0]) {
        guard try next() == UInt8(ascii: "\\"), try next() == UInt8(ascii: "u") else {
          throw malformed("half of a surrogate pair")
        }
        units.append(try hexadecimalUnit())
      }
      guard let character = String(validating: units, as: UTF16.self) else {
        throw malformed("half of a surrogate pair")
      }
      return Array(character.utf8)
    default:
      throw malformed("an unknown escape in a string")
    }
  }

  private mutating func hexadecimalUnit() throws(WeightsError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(UnicodeScalar(try next())).hexDigitValue else {
        throw malformed("\\u is followed by something that is not four hexadecimal digits")
      }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  private mutating func next() throws(WeightsError) -> UInt8 {
    guard offset < bytes.count else { throw malformed("it ends in the middle of a value") }
    defer { offset += 1 }
    return bytes[offset]
  }

  private mutating func expect(_ byte: UInt8) throws(WeightsError) {
    guard !take(byte) else { return }
    throw malformed(offset < bytes.count ? "'\(UnicodeScalar(byte))' is expected" : "it ends in the middle of a value")
  }

  /// Passes over white space, and over `byte` where it is next.
  private mutating func take(_ byte: UInt8) -> Bool {
    skipWhitespace()
    guard offset < bytes.count, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  private mutating func skipWhitespace() {
    while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
  }
}
