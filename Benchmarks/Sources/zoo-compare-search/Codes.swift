import Foundation

/// A file of codes that lie side by side, `bytes` bytes each.
struct Codes {
  struct Invalid: Error, CustomStringConvertible {
    var description: String
  }

  let data: Data
  let bytes: Int

  var count: Int { data.count / bytes }

  init(contentsOf path: String, bytes: Int) throws {
    data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
    self.bytes = bytes
    guard data.count % bytes == 0 else {
      throw Invalid(description: "\(path) has \(data.count) bytes, no multiple of \(bytes): check --bits")
    }
  }

  var all: [[UInt8]] {
    (0..<count).map { [UInt8](data[data.startIndex + $0 * bytes..<data.startIndex + ($0 + 1) * bytes]) }
  }
}
