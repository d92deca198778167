internal import Foundation
internal import GRDB

extension Row {
  /// The bytes of a blob; none where it is null.
  func bytes(_ index: Int) throws -> [UInt8] {
    try withUnsafeData(atIndex: index) { $0.map { [UInt8]($0) } ?? [] }
  }
}

extension [UInt32] {
  /// From four bytes each, the least significant first. Bytes that are left over are dropped.
  init(littleEndian bytes: [UInt8]) {
    self = stride(from: 0, to: bytes.count / 4 * 4, by: 4).map { place in
      (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * $1) }
    }
  }

  var littleEndianBytes: [UInt8] { flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } } }
}
