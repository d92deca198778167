import Foundation

struct Report: Encodable {
  var machine: String
  var fill: Filling.Result?
  var latency: [Latency.Row] = []
  var mixed: Mixed.Result?
  var items: UInt64 = 0
  /// In memory, beyond the codes.
  var otherBytesPerItem = 0.0
  var diskBytesPerItem = 0.0

  var size: String {
    String(
      format: "%d items: %.1f bytes each in memory beyond the code, %.0f on disk", Int(items), otherBytesPerItem,
      diskBytesPerItem)
  }

  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return try encoder.encode(self)
  }
}
