public import ZooProtocol
import SwiftProtobuf

/// Reads manifests in protobuf text format and reports everything that is wrong with them, not only the first mistake.
///
/// The decoder of a message stops where it fails. So every value is decoded alone first, inside the messages it belongs
/// to: what does not decode is a mistake on that line, and the others are still looked at.
public struct ManifestReader: Sendable {
  /// A manifest that is larger is a mistake.
  public static let maximumBytes = 1 << 20

  private let plugins: Set<String>

  /// - Parameter plugins: the names of the plugins that can be asked for.
  public init(plugins: Set<String>) {
    self.plugins = plugins
  }

  /// - Throws: ``ManifestError`` with all mistakes.
  public func manifest(_ text: String) throws(ManifestError) -> WireManifest {
    guard text.utf8.count <= Self.maximumBytes else {
      throw ManifestError([
        ManifestMistake(
          line: 1, field: "", "the text has \(text.utf8.count) bytes: at most \(Self.maximumBytes) are read")
      ])
    }
    var survey = Survey()
    do {
      survey.visit(try TextFormatScanner.fields(of: text), path: "", around: [])
    } catch {
      throw ManifestError([error])
    }
    // What decodes is held against the rules even where something else does not decode.
    let rules = ManifestRules(plugins: plugins, lines: survey.lines, unreadable: Set(survey.mistakes.map(\.field)))
    let mistakes = survey.mistakes + rules.mistakes(in: survey.manifest)
    guard mistakes.isEmpty else { throw ManifestError(mistakes) }
    return survey.manifest
  }
}

/// A walk over the fields of a manifest that decodes each of them by itself.
private struct Survey {
  private(set) var mistakes: [ManifestMistake] = []
  /// The line of every field, by its path.
  private(set) var lines: [String: Int] = [:]
  /// What could be decoded.
  private(set) var manifest = WireManifest()
  /// Which fields of the messages here may be repeated; found out by trying.
  private var isRepeated: [String: Bool] = [:]

  /// - Parameter around: the names of the messages around the fields, outermost first.
  mutating func visit(_ fields: [TextFormatField], path: String, around: [String]) {
    var seen: [String: Int] = [:]
    for field in fields {
      let values: [TextFormatField.Value] =
        if case .list(let list) = field.value, list.contains(where: { $0.isMessage }) { list } else { [field.value] }
      for value in values {
        visit(value, of: field, number: seen[field.name, default: 0], path: path, around: around)
        seen[field.name, default: 0] += 1
      }
    }
  }

  private mutating func visit(
    _ value: TextFormatField.Value, of field: TextFormatField, number: Int, path: String, around: [String]
  ) {
    let sample = Self.text(field.name, value.isMessage ? .message([]) : value, around: around)
    let repeats = canRepeat(field.name, sample: sample, around: around)
    var name = path.isEmpty ? field.name : "\(path).\(field.name)"
    if field.name.hasPrefix("[") { name = path }
    if repeats, value.isMessage { name += "[\(number)]" }
    if lines[name] == nil || !field.name.hasPrefix("[") { lines[name] = field.line }

    do {
      _ = try WireManifest(textFormatString: sample)
    } catch {
      mistakes.append(ManifestMistake(line: field.line, field: name, Self.explain(error, field: field.name, value)))
      return
    }
    if number > 0, !repeats {
      mistakes.append(ManifestMistake(line: field.line, field: name, "the field is given twice: keep one"))
      return
    }
    if case .message(let inner) = value {
      let before = mistakes.count
      visit(inner, path: name, around: around + [field.name])
      // A message of the manifest's own is merged whole, so that repeated ones stay apart.
      if around.isEmpty { merge(Self.text(field.name, value, around: []), faultless: mistakes.count == before) }
    } else if around.isEmpty {
      merge(sample, faultless: true)
    }
  }

  /// Adds a field of the outermost level to what could be decoded. One with mistakes inside becomes an empty one, so that
  /// the numbers of its neighbours stay right.
  private mutating func merge(_ text: String, faultless: Bool) {
    guard faultless, let part = try? WireManifest(textFormatString: text),
      let bytes: [UInt8] = try? part.serializedBytes()
    else {
      let name = text.prefix { $0 != " " && $0 != ":" }
      if let part = try? WireManifest(textFormatString: "\(name) {}"), let bytes: [UInt8] = try? part.serializedBytes()
      {
        try? manifest.merge(serializedBytes: bytes)
      }
      return
    }
    try? manifest.merge(serializedBytes: bytes)
  }

  /// A repeated field that is given twice is longer than given once; another is overwritten.
  private mutating func canRepeat(_ name: String, sample: String, around: [String]) -> Bool {
    let key = (around + [name]).joined(separator: "/")
    if let known = isRepeated[key] { return known }
    let inner = sample.dropFirst(around.reduce(0) { $0 + $1.count + 3 }).dropLast(around.count * 2)
    let twice = around.map { "\($0) { " }.joined() + "\(inner) \(inner)" + String(repeating: " }", count: around.count)
    guard let one = try? WireManifest(textFormatString: sample), let two = try? WireManifest(textFormatString: twice),
      let oneBytes: [UInt8] = try? one.serializedBytes(), let twoBytes: [UInt8] = try? two.serializedBytes()
    else { return false }
    isRepeated[key] = twoBytes.count > oneBytes.count
    return twoBytes.count > oneBytes.count
  }

  private static func text(_ name: String, _ value: TextFormatField.Value, around: [String]) -> String {
    around.map { "\($0) { " }.joined() + "\(name)\(value.text)" + String(repeating: " }", count: around.count)
  }

  private static func explain(_ error: any Error, field: String, _ value: TextFormatField.Value) -> String {
    switch error as? TextFormatDecodingError {
    case .unknownField:
      return field.hasPrefix("[")
        ? "no plugin here has a configuration of this type: proto/zoo/plugins/v1 has those that come with the server"
        : "there is no such field: the definitions in proto/ list those there are"
    case .unrecognizedEnumValue:
      return "\(value.shown) is none of the field's values: the definitions in proto/ list them"
    case .malformedNumber: return "\(value.shown) is not a number, or is out of range"
    case .invalidUTF8: return "the text is not UTF-8"
    default:
      return value.isMessage
        ? "a message stands where a plain value should, or of a type that is not known here"
        : "\(value.shown) is not a value of this field's type"
    }
  }
}

extension TextFormatField.Value {
  fileprivate var isMessage: Bool {
    if case .message = self { true } else { false }
  }

  /// As it is written behind a field's name.
  fileprivate var text: String {
    switch self {
    case .scalar(let text): ": \(text)"
    case .message(let fields): " { " + fields.map { "\($0.name)\($0.value.text)" }.joined(separator: " ") + " }"
    case .list(let values):
      ": [" + values.map { $0.text.drop { $0 == ":" || $0 == " " } }.joined(separator: ", ") + "]"
    }
  }

  fileprivate var shown: String {
    let text = text.drop { $0 == ":" || $0 == " " }
    return text.count <= 60 ? String(text) : text.prefix(60) + "…"
  }
}
