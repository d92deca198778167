/// A place in a run of bytes that are not trusted: every read is checked and moves on.
struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0
  /// What the bytes are, for error texts.
  let subject: String

  init(_ bytes: UnsafeRawBufferPointer, subject: String) {
    self.bytes = bytes
    self.subject = subject
  }

  var remaining: Int { bytes.count - offset }

  /// The next `count` bytes, in place.
  mutating func read(count: Int) throws(WeightsError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else {
      throw WeightsError(
        .malformed,
        """
        \(subject) is cut short: \(count) bytes should follow at byte \(offset) and \(remaining) do; \
        get the file again
        """)
    }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
  }

  /// The next integer, least significant byte first.
  mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type) throws(WeightsError) -> Value {
    Value(littleEndian: try read(count: MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
  }

  /// The bytes before the next line feed, which is passed over.
  mutating func readLine(maximumCount: Int) throws(WeightsError) -> UnsafeRawBufferPointer {
    guard let end = bytes[offset...].prefix(maximumCount + 1).firstIndex(of: 0x0A) else {
      throw WeightsError(
        .malformed, "\(subject) has a line at byte \(offset) that does not end within \(maximumCount) bytes")
    }
    let line = try read(count: end - offset)
    offset += 1
    return line
  }

  mutating func skip(_ count: Int) throws(WeightsError) {
    _ = try read(count: count)
  }
}
