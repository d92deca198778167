/// The rule for names of models and plugins: `[a-z0-9][a-z0-9._-]{0,63}`.
///
/// Such a name is a safe file name: it holds no separator and cannot be `.` or `..`.
public enum ModelName {
  public static let rule = "[a-z0-9][a-z0-9._-]{0,63}"

  public static func isValid(_ name: String) -> Bool {
    let bytes = name.utf8
    guard let first = bytes.first, bytes.count <= 64, isAlphanumeric(first) else { return false }
    return bytes.allSatisfy { byte in
      isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
  }

  /// - Parameter field: where the name stood, for the error.
  public static func check(_ name: String, field: String) throws(ZooError) {
    guard isValid(name) else {
      // Scalars, not characters: one character may have any number of them.
      let shown = name.utf8.count <= 80 ? name : String(name.unicodeScalars.prefix(80)) + "…"
      throw ZooError(.invalidArgument, "\(field) is \"\(shown)\": a name matches \(rule)")
    }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }
}
