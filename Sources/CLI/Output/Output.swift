import Foundation
import Glibc
import SwiftProtobuf
import ZooProtocol

/// Where a command's words go: answers to standard output, everything else to standard error.
enum Output {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  private static let hasColours = isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

  static func print(_ text: String = "") {
    write(text + "\n", to: STDOUT_FILENO)
  }

  static func note(_ text: String, terminator: String = "\n") {
    write(text + terminator, to: STDERR_FILENO)
  }

  static func bold(_ text: String) -> String { hasColours ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

  static func dim(_ text: String) -> String { hasColours ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

  /// Prints what `value` encodes to, with sorted keys.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// Prints a message of the protocol, with the names that it has there.
  static func json(_ message: some Message) throws {
    try json(object: object(of: message))
  }

  /// Prints what `JSONSerialization` takes.
  static func json(object: Any) throws {
    let pretty = try JSONSerialization.data(
      withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    print(String(decoding: pretty, as: UTF8.self))
  }

  /// What `JSONSerialization` makes of a message of the protocol.
  static func object(of message: some Message) throws -> Any {
    var options = JSONEncodingOptions()
    options.preserveProtoFieldNames = true
    options.alwaysPrintInt64sAsNumbers = true
    let data: Data = try message.jsonUTF8Bytes(options: options)
    return try JSONSerialization.jsonObject(with: data)
  }

  /// Names, the first of many.
  static func listing(_ names: [String], most: Int = 10) -> String {
    names.prefix(most).joined(separator: ", ") + (names.count > most ? " and \(names.count - most) more" : "")
  }

  static func fail(_ error: ZooError, asJSON: Bool) {
    if asJSON {
      try? json(Failure(error: .init(code: error.code.name, message: error.message)))
    } else {
      note("zoo: \(error.message) (\(error.code.name))")
    }
  }

  private struct Failure: Encodable {
    struct Details: Encodable {
      let code: String
      let message: String
    }
    let error: Details
  }

  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        // Whoever read this has gone, as `head` does: there is nobody left to tell.
        if errno == EPIPE { exit(0) }
        guard descriptor == STDOUT_FILENO else { return }
        note("zoo: standard output cannot be written: \(String(cString: strerror(errno)))")
        exit(1)
      }
      bytes = bytes.dropFirst(count)
    }
  }
}
