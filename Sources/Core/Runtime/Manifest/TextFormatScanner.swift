/// Protobuf's text format as a tree of fields with the lines they stand on, without knowing any message.
///
/// The specification is protobuf.dev/reference/protobuf/textformat-spec. Values stay as they are written: what they mean
/// is decided by the decoder of the message they belong to.
struct TextFormatField {
  indirect enum Value {
    /// As it is written: a number, an identifier or one or more quoted strings.
    case scalar(String)
    case message([TextFormatField])
    case list([Value])
  }

  /// As it is written: `blocks`, or `[type.googleapis.com/zoo.plugins.v1.CycleGANConfig]`.
  let name: String
  let line: Int
  let value: Value
}

struct TextFormatScanner {
  private static let maximumDepth = 32

  private let bytes: [UInt8]
  private var index = 0
  private var line = 1

  static func fields(of text: String) throws(ManifestMistake) -> [TextFormatField] {
    var scanner = TextFormatScanner(bytes: Array(text.utf8))
    let fields = try scanner.fields(until: nil, depth: 0)
    return fields
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private mutating func fields(until end: UInt8?, depth: Int) throws(ManifestMistake) -> [TextFormatField] {
    guard depth < Self.maximumDepth else {
      throw mistake("messages are nested more than \(Self.maximumDepth) deep")
    }
    var fields: [TextFormatField] = []
    while true {
      skipSpace()
      guard let byte = peek else {
        guard end == nil else { throw mistake("the text ends within a message: a closing brace is missing") }
        return fields
      }
      if byte == end {
        index += 1
        return fields
      }
      fields.append(try field(depth: depth))
      skipSpace()
      if peek == UInt8(ascii: ",") || peek == UInt8(ascii: ";") { index += 1 }
    }
  }

  private mutating func field(depth: Int) throws(ManifestMistake) -> TextFormatField {
    let start = line
    let name = try fieldName()
    skipSpace()
    let hasColon = peek == UInt8(ascii: ":")
    if hasColon {
      index += 1
      skipSpace()
    }
    let value = try value(depth: depth)
    if !hasColon, case .scalar = value {
      throw ManifestMistake(line: start, field: name, "a colon is missing between the field and its value")
    }
    return TextFormatField(name: name, line: start, value: value)
  }

  private mutating func fieldName() throws(ManifestMistake) -> String {
    let start = index
    if peek == UInt8(ascii: "[") {
      while let byte = peek, byte != UInt8(ascii: "]"), byte != UInt8(ascii: "\n") { index += 1 }
      guard peek == UInt8(ascii: "]") else { throw mistake("a closing bracket is missing behind a type's name") }
      index += 1
    } else {
      while let byte = peek, Self.isWordByte(byte) { index += 1 }
    }
    guard index > start else { throw mistake("\"\(shown)\" stands where a field's name should") }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private mutating func value(depth: Int) throws(ManifestMistake) -> TextFormatField.Value {
    switch peek {
    case UInt8(ascii: "{"):
      index += 1
      return .message(try fields(until: UInt8(ascii: "}"), depth: depth + 1))
    case UInt8(ascii: "<"):
      index += 1
      return .message(try fields(until: UInt8(ascii: ">"), depth: depth + 1))
    case UInt8(ascii: "["):
      index += 1
      return .list(try list(depth: depth + 1))
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      return .scalar(try strings())
    default:
      let start = index
      while let byte = peek, Self.isWordByte(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") {
        index += 1
      }
      guard index > start else { throw mistake("\"\(shown)\" stands where a value should") }
      return .scalar(String(decoding: bytes[start..<index], as: UTF8.self))
    }
  }

  private mutating func list(depth: Int) throws(ManifestMistake) -> [TextFormatField.Value] {
    guard depth < Self.maximumDepth else {
      throw mistake("values are nested more than \(Self.maximumDepth) deep")
    }
    var values: [TextFormatField.Value] = []
    while true {
      skipSpace()
      if peek == UInt8(ascii: "]") {
        index += 1
        return values
      }
      guard peek != nil else { throw mistake("the text ends within a list: a closing bracket is missing") }
      values.append(try value(depth: depth))
      skipSpace()
      if peek == UInt8(ascii: ",") { index += 1 }
    }
  }

  /// Strings that stand behind each other are one.
  private mutating func strings() throws(ManifestMistake) -> String {
    var parts: [String] = []
    while let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      let start = index
      index += 1
      while let byte = peek, byte != quote, byte != UInt8(ascii: "\n") {
        index += byte == UInt8(ascii: "\\") ? 2 : 1
      }
      guard peek == quote else { throw mistake("a closing quotation mark is missing") }
      index += 1
      parts.append(String(decoding: bytes[start..<index], as: UTF8.self))
      skipSpace()
    }
    return parts.joined(separator: " ")
  }

  private mutating func skipSpace() {
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        index += 1
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), 0x0B, 0x0C: index += 1
      case UInt8(ascii: "#"): while let byte = peek, byte != UInt8(ascii: "\n") { index += 1 }
      default: return
      }
    }
  }

  private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  private var shown: String { String(decoding: bytes[min(index, bytes.count)...].prefix(12), as: UTF8.self) }

  private func mistake(_ message: String) -> ManifestMistake {
    ManifestMistake(line: line, field: "", message)
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
      || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }
}
