import ZooTensor

/// What a safetensors file says about its tensors, checked against the size of the file.
///
/// The format (huggingface/safetensors, README, "Format"): eight bytes with the length of the header, least
/// significant first; the header, a JSON object that may be padded with spaces; the numbers, row-major and little
/// endian, that cover the rest of the file without hole or overlap.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let type: StoredType
    let shape: Shape
    /// Where the numbers are, from the end of the header.
    let range: Range<Int>
  }

  static let metadataKey = "__metadata__"

  let entries: [Entry]
  let metadata: [String: String]
  /// Where the numbers begin in the file.
  let dataOffset: Int

  init(parsing file: UnsafeRawBufferPointer, limits: WeightsLimits) throws(WeightsError) {
    var reader = ByteReader(file, subject: "the safetensors file")
    let length = try reader.read(UInt64.self)
    guard length <= limits.headerByteCount else {
      throw WeightsError(
        .limitExceeded,
        """
        the safetensors header says it has \(length) bytes and the limit is \(limits.headerByteCount): \
        the file is damaged or of another format
        """)
    }
    guard length <= reader.remaining else {
      throw WeightsError(
        .malformed,
        """
        the safetensors header says it has \(length) bytes and \(reader.remaining) follow: the file is cut short, \
        get it again
        """)
    }
    let json = try reader.read(count: Int(length))
    guard json.first == UInt8(ascii: "{") else {
      throw WeightsError(.malformed, "the safetensors header does not begin with '{': the file is of another format")
    }
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    var scanner = JSONScanner(json)
    try scanner.object { scanner, key throws(WeightsError) in
      if key == Self.metadataKey {
        try scanner.object { scanner, key throws(WeightsError) in metadata[key] = try scanner.string() }
        return
      }
      guard entries.count < limits.tensorCount else {
        throw WeightsError(
          .limitExceeded, "the file holds more than \(limits.tensorCount) tensors: raise `tensorCount`")
      }
      entries.append(try Self.entry(named: key, from: &scanner, limits: limits))
    }
    try scanner.end()
    try Self.checkCoverage(of: entries, byteCount: reader.remaining)
    self.entries = entries
    self.metadata = metadata
    self.dataOffset = reader.offset
  }

  private static func entry(
    named name: String, from scanner: inout JSONScanner, limits: WeightsLimits
  ) throws(WeightsError) -> Entry {
    guard name.utf8.count <= limits.nameByteCount else {
      throw WeightsError(
        .limitExceeded,
        "the tensor name \(quoted(name)) has \(name.utf8.count) bytes and the limit is \(limits.nameByteCount)")
    }
    var dtype: String?
    var dimensions: [Int]?
    var offsets: [Int]?
    try scanner.object { scanner, key throws(WeightsError) in
      switch key {
      case "dtype": dtype = try scanner.string()
      case "shape": dimensions = try scanner.counts(maximumCount: Shape.maximumRank)
      case "data_offsets": offsets = try scanner.counts(maximumCount: 2)
      default: throw scanner.malformed("the tensor \(quoted(name)) has the unknown field \(quoted(key))")
      }
    }
    guard let dtype, let dimensions, let offsets else {
      throw WeightsError(
        .malformed, "the tensor \(quoted(name)) lacks one of `dtype`, `shape` and `data_offsets`")
    }
    guard let type = StoredType(safetensorsName: dtype) else {
      throw unreadableType(dtype, ofTensor: name)
    }
    let shape: Shape
    do { shape = try Shape(dimensions) } catch { throw WeightsError(error, inTensor: name) }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw WeightsError(
        .malformed, "the tensor \(quoted(name)) has the `data_offsets` \(offsets): a begin and a later end are expected"
      )
    }
    let (byteCount, overflow) = shape.elementCount.multipliedReportingOverflow(by: type.byteCount)
    guard !overflow, byteCount == offsets[1] - offsets[0] else {
      throw WeightsError(
        .malformed,
        """
        the tensor \(quoted(name)) \(dtype)\(shape) needs \(overflow ? "too many" : String(byteCount)) bytes and its \
        `data_offsets` \(offsets) span \(offsets[1] - offsets[0])
        """)
    }
    return Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  private static func unreadableType(_ dtype: String, ofTensor name: String) -> WeightsError {
    guard StoredType.unsupportedSafetensorsNames.contains(dtype) else {
      return WeightsError(.malformed, "the tensor \(quoted(name)) has the unknown dtype \(quoted(dtype))")
    }
    return WeightsError(
      .unsupported,
      """
      the tensor \(quoted(name)) has the dtype \(quoted(dtype)), which is not read: convert it to F32, F16 or BF16 \
      (numbers) or I64 (indices) before saving
      """)
  }

  /// The tensors must cover the bytes from first to last, each byte once.
  private static func checkCoverage(of entries: [Entry], byteCount: Int) throws(WeightsError) {
    var end = 0
    let inOrder = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for entry in inOrder {
      guard entry.range.lowerBound == end else {
        let what = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a hole before it"
        throw WeightsError(
          .malformed,
          """
          the tensor \(quoted(entry.name)) \(what): its `data_offsets` begin at \(entry.range.lowerBound) and \
          \(end) is expected
          """)
      }
      guard entry.range.upperBound <= byteCount else {
        throw WeightsError(
          .malformed,
          """
          the tensor \(quoted(entry.name)) ends at byte \(entry.range.upperBound) of \(byteCount): the file is cut \
          short, get it again
          """)
      }
      end = entry.range.upperBound
    }
    guard end == byteCount else {
      throw WeightsError(
        .malformed, "\(byteCount - end) bytes after the last tensor belong to none: the file is damaged")
    }
  }
}
