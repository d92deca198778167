/// Writes zip archives by hand, also such as lie about their contents.
struct ZipBuilder {
  struct Entry {
    var name: String
    /// The name in front of the bytes, where it differs from the one in the directory.
    var localName: String
    var bytes: [UInt8]
    var method: UInt16 = 0
    var flags: UInt16 = 0
    var size: UInt32
    var storedSize: UInt32
    /// Where the directory says the entry is, where that is not where it is.
    var offset: UInt32?
    var extra: [UInt8] = []
  }

  var entries: [Entry] = []
  var comment: [UInt8] = []
  /// What the end record says, where it is not so.
  var entryCount: UInt16?
  var directorySize: UInt32?
  var directoryOffset: UInt32?
  /// Adds zip64 end records, with this count.
  var zip64Count: UInt64?

  mutating func add(_ name: String, _ bytes: [UInt8], _ change: (inout Entry) -> Void = { _ in }) {
    var entry = Entry(
      name: name, localName: name, bytes: bytes, size: UInt32(bytes.count), storedSize: UInt32(bytes.count))
    change(&entry)
    entries.append(entry)
  }

  func bytes() -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let offset = UInt32(file.count)
      file += littleEndianBytes(0x0403_4B50 as UInt32) + half(20, entry.flags, entry.method, 0, 0)
      file += word(0, entry.storedSize, entry.size) + half(UInt16(entry.localName.utf8.count), 0)
      file += Array(entry.localName.utf8) + entry.bytes
      directory += word(0x0201_4B50) + half(20, 20, entry.flags, entry.method, 0, 0)
      directory += word(0, entry.storedSize, entry.size)
      directory += half(UInt16(entry.name.utf8.count), UInt16(entry.extra.count), 0, 0, 0)
      directory += word(0, entry.offset ?? offset) + Array(entry.name.utf8) + entry.extra
    }
    let directoryStart = UInt64(file.count)
    file += directory
    if let zip64Count {
      let recordStart = UInt64(file.count)
      file += word(0x0606_4B50) + littleEndianBytes(44 as UInt64) + half(45, 45) + word(0, 0)
      file += littleEndianBytes(zip64Count) + littleEndianBytes(zip64Count)
      file += littleEndianBytes(UInt64(directory.count)) + littleEndianBytes(directoryStart)
      file += word(0x0706_4B50, 0) + littleEndianBytes(recordStart) + word(1)
    }
    let count = entryCount ?? UInt16(entries.count)
    file += word(0x0605_4B50) + half(0, 0, count, count)
    file += word(directorySize ?? UInt32(directory.count), directoryOffset ?? UInt32(directoryStart))
    return file + half(UInt16(comment.count)) + comment
  }

  private func half(_ values: UInt16...) -> [UInt8] { values.flatMap(littleEndianBytes) }
  private func word(_ values: UInt32...) -> [UInt8] { values.flatMap(littleEndianBytes) }
}
