internal import Foundation
import ZooItems

extension Encodable {
  /// Its JSON, with keys in order.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension Decodable {
  /// - Throws: `dataLoss` where it is none.
  init(json: String, _ field: @autoclosure () -> String) throws {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(json.utf8))
    } catch {
      throw SearchError(
        .dataLoss, "\(field()) in the index is damaged: restore the index from a copy, or create it anew", cause: error)
    }
  }
}
