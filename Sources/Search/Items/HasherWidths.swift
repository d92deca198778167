/// The versions of the hasher whose codes an index takes, with the width of each in bits.
public struct HasherWidths: Sendable, Hashable {
  public var bits: [UInt32: Int]

  public init(_ bits: [UInt32: Int] = [:]) { self.bits = bits }

  /// - Throws: `invalid` unless codes of that many bits can be searched.
  public static func check(bits: Int, _ field: @autoclosure () -> String) throws(SearchError) {
    guard ItemLimits.codeBits.contains(bits), bits % 8 == 0 else {
      throw SearchError(
        .invalid,
        "\(field()) is \(bits): codes have \(ItemLimits.codeBits.lowerBound) to \(ItemLimits.codeBits.upperBound) bits, "
          + "a multiple of 8")
    }
  }

  /// - Returns: the width of a version's codes.
  /// - Throws: `failedPrecondition` where the index does not take them.
  public func width(of version: UInt32, _ field: @autoclosure () -> String) throws(SearchError) -> Int {
    if let bits = bits[version] { return bits }
    let held = bits.keys.sorted().map(String.init).joined(separator: ", ")
    throw SearchError(
      .failedPrecondition,
      "\(field()): the index has no codes of version \(version) of the hasher, only of \(held.isEmpty ? "none" : held): "
        + "read its settings and hash anew")
  }

  /// - Throws: `failedPrecondition` where the index does not take codes of the version, `invalid` where the code does not
  ///   have its width.
  public func check(
    _ code: [UInt8], of version: UInt32, _ field: @autoclosure () -> String
  ) throws(SearchError) {
    let bits = try width(of: version, field())
    guard code.count * 8 == bits else {
      throw SearchError(
        .invalid,
        "\(field()) has \(code.count) bytes where version \(version) of the hasher makes \(bits / 8): "
          + "hash with that version")
    }
  }

  /// What ``check(_:of:_:)`` says of the codes of pictures that are put.
  public func check(_ items: [NewItem]) throws(SearchError) {
    for (index, item) in items.enumerated() {
      for (version, code) in item.picture.codes {
        try check(code, of: version, "items[\(index)].picture.codes[\(version)]")
      }
    }
  }
}
