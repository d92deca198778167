/// One thing that is wrong with a manifest.
public struct ManifestMistake: Error, Sendable, Hashable, CustomStringConvertible {
  /// Counted from 1.
  public let line: Int
  /// The way to the field, `goldens[0].tolerance`; empty where the text itself is at fault.
  public let field: String
  /// What is wrong and what would be right.
  public let message: String

  public init(line: Int, field: String, _ message: String) {
    self.line = line
    self.field = field
    self.message = message
  }

  public var description: String {
    field.isEmpty ? "line \(line): \(message)" : "line \(line): \(field): \(message)"
  }
}

/// Everything that is wrong with a manifest, in the order of its lines.
public struct ManifestError: Error, Sendable, CustomStringConvertible {
  public let mistakes: [ManifestMistake]

  public init(_ mistakes: [ManifestMistake]) {
    self.mistakes = mistakes.sorted { ($0.line, $0.field) < ($1.line, $1.field) }
  }

  public var description: String {
    let count = mistakes.count == 1 ? "a mistake" : "\(mistakes.count) mistakes"
    return "the manifest has \(count):\n" + mistakes.map { "  \($0)" }.joined(separator: "\n")
  }
}
