import ZooProtocol

/// Reads the rows of a CSV file one after the other.
struct CSVReader {
  private static let comma = UInt8(ascii: ",")
  private static let quote = UInt8(ascii: "\"")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  private let bytes: [UInt8]
  private let name: String
  private var position = 0
  private var line = 1

  init(_ bytes: [UInt8], name: String) {
    self.bytes = bytes
    self.name = name
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The next row that is not empty; nil at the end.
  mutating func next() throws -> CSVTable.Row? {
    while position < bytes.count {
      let start = line
      if endsLine() { continue }
      var fields: [String] = []
      while true {
        fields.append(try field())
        if position < bytes.count, bytes[position] == Self.comma {
          position += 1
        } else {
          _ = endsLine()
          return CSVTable.Row(line: start, fields: fields)
        }
      }
    }
    return nil
  }

  /// Steps over the end of a line; false where there is none.
  private mutating func endsLine() -> Bool {
    guard let length = lineEnd(at: position) else { return false }
    position += length
    line += 1
    return true
  }

  /// The length of the line's end that stands there.
  private func lineEnd(at index: Int) -> Int? {
    guard index < bytes.count else { return nil }
    if bytes[index] == Self.lineFeed { return 1 }
    guard bytes[index] == Self.carriageReturn, index + 1 < bytes.count, bytes[index + 1] == Self.lineFeed else {
      return nil
    }
    return 2
  }

  private mutating func field() throws -> String {
    guard position < bytes.count, bytes[position] == Self.quote else { return try plainField() }
    let opening = line
    var content: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      guard byte == Self.quote else {
        if byte == Self.lineFeed { line += 1 }
        content.append(byte)
        continue
      }
      if position < bytes.count, bytes[position] == Self.quote {
        content.append(byte)
        position += 1
        continue
      }
      guard position == bytes.count || bytes[position] == Self.comma || lineEnd(at: position) != nil else {
        throw fault("text follows a closing quote: double the quotes inside of a quoted field", line: line)
      }
      return try text(content[...])
    }
    throw fault("a quote is opened and nothing closes it", line: opening)
  }

  private mutating func plainField() throws -> String {
    let start = position
    while position < bytes.count, bytes[position] != Self.comma, lineEnd(at: position) == nil {
      guard bytes[position] != Self.quote else {
        throw fault("a quote stands inside of a field: put the field into quotes and double it", line: line)
      }
      position += 1
    }
    return try text(bytes[start..<position])
  }

  private func text(_ bytes: ArraySlice<UInt8>) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw fault("a field is not UTF-8: save the table as UTF-8", line: line)
    }
    return text
  }

  private func fault(_ message: String, line: Int) -> ZooError {
    ZooError(.invalidArgument, "\(name), line \(line): \(message)")
  }
}
