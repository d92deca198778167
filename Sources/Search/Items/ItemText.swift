internal import Foundation

/// Text as every store keeps it: in Unicode's normalization form C, so that two strings that are equal here are equal
/// byte for byte in SQL.
public enum ItemText {
  /// The text in normalization form C.
  public static func normalized(_ text: String) -> String {
    text.utf8.allSatisfy { $0 < 0x80 } ? text : text.precomposedStringWithCanonicalMapping
  }

  /// The text in normalization form C.
  ///
  /// - Parameters:
  ///   - field: where the text stands, for messages: `items[3].id`.
  ///   - bytes: the most bytes of UTF-8.
  /// - Throws: `invalid` where it is too long, has control characters, or is empty and may not be.
  public static func checked(
    _ text: String, _ field: @autoclosure () -> String, bytes: Int, mayBeEmpty: Bool = false
  ) throws(SearchError) -> String {
    guard mayBeEmpty || !text.isEmpty else { throw SearchError(.invalid, "\(field()) is empty: give it a value") }
    let text = normalized(text)
    guard text.utf8.count <= bytes else {
      throw SearchError(
        .invalid, "\(field()) has \(text.utf8.count) bytes where \(bytes) are the most: shorten it")
    }
    // Unicode's category Cc.
    if let control = text.unicodeScalars.first(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) {
      throw SearchError(
        .invalid, "\(field()) has the control character \(String(control.value, radix: 16)) (hex): remove it")
    }
    return text
  }

  /// Attributes in normalization form C. `field` as in ``checked(_:_:bytes:mayBeEmpty:)``.
  public static func checked(
    _ attributes: [String: String], _ field: @autoclosure () -> String
  ) throws(SearchError) -> [String: String] {
    guard attributes.count <= ItemLimits.attributes else {
      throw SearchError(
        .invalid,
        "\(field()) has \(attributes.count) values where \(ItemLimits.attributes) are the most: leave some out")
    }
    var checked: [String: String] = [:]
    checked.reserveCapacity(attributes.count)
    for (name, value) in attributes {
      let name = try self.checked(name, "a name in \(field())", bytes: ItemLimits.attributeBytes)
      checked[name] = try self.checked(value, "\(field()).\(name)", bytes: ItemLimits.attributeBytes)
    }
    return checked
  }

  /// Names of attributes in normalization form C. `field` as in ``checked(_:_:bytes:mayBeEmpty:)``.
  public static func checked(
    _ names: Set<String>, _ field: @autoclosure () -> String
  ) throws(SearchError) -> Set<String> {
    guard names.count <= ItemLimits.attributes else {
      throw SearchError(
        .invalid, "\(field()) has \(names.count) names where \(ItemLimits.attributes) are the most: leave some out")
    }
    var checked: Set<String> = []
    for name in names {
      checked.insert(try self.checked(name, "a name in \(field())", bytes: ItemLimits.attributeBytes))
    }
    return checked
  }
}
