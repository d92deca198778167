internal import Foundation
internal import ZooItems

enum JSON {
  static func encoded(_ value: some Encodable) throws -> [UInt8] { [UInt8](try JSONEncoder().encode(value)) }

  /// - Throws: `dataLoss` where it is something else.
  static func decoded<Value: Decodable>(_ bytes: [UInt8], as type: Value.Type = Value.self) throws -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw SearchError(.dataLoss, "the database has JSON that is not a \(type): restore it from a copy", cause: error)
    }
  }

  /// ``decoded(_:as:)`` for the attributes of many items: quick where no character is escaped.
  static func strings(_ bytes: [UInt8]) throws -> [String: String] {
    guard !bytes.contains(UInt8(ascii: "\\")) else { return try decoded(bytes) }
    // The texts between quotation marks are names and values by turns.
    let texts = bytes.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
    guard texts.count % 4 == 1 else { return try decoded(bytes) }
    var strings = [String: String](minimumCapacity: texts.count / 4)
    for place in stride(from: 1, to: texts.count, by: 4) {
      strings[String(decoding: texts[place], as: UTF8.self)] = String(decoding: texts[place + 2], as: UTF8.self)
    }
    return strings
  }
}
