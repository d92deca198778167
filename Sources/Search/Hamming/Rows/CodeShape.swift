import CZooHamming

/// How codes are laid out: their bytes, padded to whole words, and for long ones the planes into which they are cut.
struct CodeShape: Sendable {
  static let bitRange = 32...4096
  /// From this many bits on, codes are cut into planes.
  static let planeBits = 1024

  let bits: Int
  let kernels: zoo_hamming_shape

  init(bits: Int) throws(HammingIndexError) {
    guard CodeShape.bitRange.contains(bits), bits % 8 == 0 else {
      throw HammingIndexError(
        .invalidOption,
        "a code of \(bits) bits: it has \(CodeShape.bitRange.lowerBound) to "
          + "\(CodeShape.bitRange.upperBound), a multiple of 8")
    }
    self.bits = bits
    let codeBytes = bits / 8
    let rowBytes = codeBytes <= 4 ? 4 : (codeBytes + 7) / 8 * 8
    let planes = CodeShape.planes(of: rowBytes)
    kernels = zoo_hamming_shape(
      code_bytes: codeBytes, row_bytes: rowBytes, plane_count: planes.count,
      plane_bytes: (
        planes[0], planes.count > 1 ? planes[1] : 0, planes.count > 2 ? planes[2] : 0,
        planes.count > 3 ? planes[3] : 0
      ))
  }

  /// An eighth of a code, no less than half a cache line; as much again; twice that; the rest. A prefix that does not decide
  /// yet is followed by one that costs as much.
  private static func planes(of rowBytes: Int) -> [Int] {
    guard rowBytes * 8 >= planeBits else { return [rowBytes] }
    let first = max(32, rowBytes / 8 / 32 * 32)
    var planes: [Int] = []
    var left = rowBytes
    for plane in [first, first, 2 * first] where left > plane {
      planes.append(plane)
      left -= plane
    }
    return planes + [left]
  }

  /// Bytes of a code as callers have it.
  var codeBytes: Int { kernels.code_bytes }
  /// Bytes of a code with its padding.
  var rowBytes: Int { kernels.row_bytes }
  /// 64-bit words of a padded code.
  var words: Int { (rowBytes + 7) / 8 }

  var planeBytes: [Int] {
    let bytes = kernels.plane_bytes
    return Array([bytes.0, bytes.1, bytes.2, bytes.3].prefix(kernels.plane_count))
  }

  /// A code with zeros behind it up to a whole word.
  func padded(_ code: some Collection<UInt8>) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: words)
    words.withUnsafeMutableBytes { $0.copyBytes(from: code) }
    return words
  }
}
