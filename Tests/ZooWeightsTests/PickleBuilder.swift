/// Writes pickles by hand, also such as `torch.save` would not.
struct PickleBuilder {
  private(set) var bytes: [UInt8] = [0x80, 2]

  init(_ build: (inout PickleBuilder) -> Void) {
    build(&self)
    raw(".")
  }

  /// Instructions without an operand, by their ASCII letters.
  mutating func raw(_ letters: String) { bytes += Array(letters.utf8) }
  mutating func raw(_ code: UInt8...) { bytes += code }

  mutating func string(_ text: String) {
    bytes += [0x58] + littleEndianBytes(UInt32(text.utf8.count)) + Array(text.utf8)
  }

  mutating func integer(_ value: Int) {
    bytes += [0x8A, 8] + littleEndianBytes(Int64(value))
  }

  mutating func global(_ module: String, _ name: String) { raw("c\(module)\n\(name)\n") }

  mutating func integers(_ values: [Int]) {
    raw("(")
    for value in values { integer(value) }
    raw("t")
  }

  /// A storage of `count` elements.
  mutating func storage(_ key: String = "0", class name: String = "FloatStorage", count: Int) {
    raw("(")
    string("storage")
    global("torch", name)
    string(key)
    string("cpu")
    integer(count)
    raw("tQ")
  }

  mutating func tensor(
    key: String = "0", class name: String = "FloatStorage", storageCount: Int, offset: Int = 0, shape: [Int],
    strides: [Int]
  ) {
    global("torch._utils", "_rebuild_tensor_v2")
    raw("(")
    storage(key, class: name, count: storageCount)
    integer(offset)
    integers(shape)
    integers(strides)
    raw(0x89)
    raw("}tR")
  }

  /// A dictionary with one key.
  mutating func dictionary(_ key: String, _ value: (inout PickleBuilder) -> Void) {
    raw("}")
    string(key)
    value(&self)
    raw("s")
  }
}

/// A checkpoint in the older layout around an object.
func legacyCheckpoint(
  _ object: PickleBuilder, littleEndian: Bool = true, version: Int = 1001, keys: [String] = ["0"],
  storages: [(count: Int, bytes: [UInt8])]
) -> [UInt8] {
  let magic: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
  let machine = PickleBuilder { p in
    p.dictionary("little_endian") { $0.raw(littleEndian ? 0x88 : 0x89) }
  }
  let keyList = PickleBuilder { p in
    p.raw("](")
    for key in keys { p.string(key) }
    p.raw("e")
  }
  return magic + PickleBuilder { $0.integer(version) }.bytes + machine.bytes + object.bytes + keyList.bytes
    + storages.flatMap { littleEndianBytes(Int64($0.count)) + $0.bytes }
}

/// A checkpoint in the zip layout around an object.
///
/// - Parameter trailing: what follows the pickle in its entry.
func zipCheckpoint(
  _ object: PickleBuilder, storages: [String: [UInt8]] = [:], trailing: [UInt8] = []
) -> [UInt8] {
  var archive = ZipBuilder()
  archive.add("archive/data.pkl", object.bytes + trailing)
  archive.add("archive/byteorder", Array("little".utf8))
  for (key, bytes) in storages.sorted(by: { $0.key < $1.key }) { archive.add("archive/data/\(key)", bytes) }
  return archive.bytes()
}
