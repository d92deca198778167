public import ZooWeights
import Foundation

/// The files of one version of a model, by their paths in the manifest.
public struct ModelFiles: Sendable {
  /// Text files are labels and the like; a larger one is a mistake.
  private static let maximumTextBytes = 16 << 20

  private let locations: [String: String]

  /// - Parameter locations: where each file that the manifest lists lies on disk. Names from a configuration are
  ///   looked up here and never joined to a path.
  public init(locations: [String: String]) {
    self.locations = locations
  }

  /// The tensors of a safetensors file or PyTorch checkpoint.
  ///
  /// - Parameter path: from the configuration; empty for `standard`.
  public func weights(_ path: String, or standard: String, field: String) throws -> Weights {
    let path = path.isEmpty ? standard : path
    return try Weights(contentsOf: location(of: path, field: field))
  }

  /// The lines of a text file in UTF-8, without the empty line at its end.
  public func lines(_ path: String, or standard: String, field: String) throws -> [String] {
    let path = path.isEmpty ? standard : path
    let data = try Data(contentsOf: URL(filePath: try location(of: path, field: field)), options: .mappedIfSafe)
    guard data.count <= Self.maximumTextBytes, let text = String(data: data, encoding: .utf8) else {
      throw PluginError(
        .invalidFile, "\(path) is not UTF-8 text of at most \(Self.maximumTextBytes >> 20) MiB (config.\(field))")
    }
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  private func location(of path: String, field: String) throws(PluginError) -> String {
    guard let location = locations[path] else {
      throw PluginError(
        .invalidConfiguration,
        "config.\(field) is \"\(path)\", which is not among the manifest's files: add it there, with its SHA-256")
    }
    return location
  }
}
