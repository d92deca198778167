/// The entries of a zip archive that stores its files as they are, as `torch.save` writes it.
///
/// The reference is PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3 (zip64). The directory at the end of the file
/// rules; what the header in front of each entry repeats must agree with it, and no two entries may share bytes.
/// Checksums are not compared: PyTorch can be told to leave them out.
struct ZipArchive {
  /// The bytes of each entry, in place, by name.
  let entries: [String: UnsafeRawBufferPointer]

  init(parsing file: UnsafeRawBufferPointer, limits: WeightsLimits) throws(WeightsError) {
    let directory = try Directory(parsing: file)
    // A tensor has an entry of its own at most, and an archive a handful of others.
    guard directory.entryCount / 2 <= limits.tensorCount else {
      throw WeightsError(
        .limitExceeded,
        """
        the archive has \(directory.entryCount) entries and the limit is twice the \(limits.tensorCount) tensors it \
        may hold: raise `tensorCount`
        """)
    }
    var reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: file[directory.range]), subject: "the archive's directory")
    var records: [Record] = []
    for _ in 0..<directory.entryCount { records.append(try Record(from: &reader)) }
    guard reader.remaining == 0 else {
      throw malformed("\(reader.remaining) bytes of its directory belong to no entry")
    }
    records.sort { $0.headerOffset < $1.headerOffset }
    var entries: [String: UnsafeRawBufferPointer] = [:]
    var end = 0
    for record in records {
      guard record.headerOffset >= end else { throw malformed("the entry \(quoted(record.name)) overlaps another") }
      let range = try record.locate(in: file, before: directory.range.lowerBound)
      guard entries.updateValue(UnsafeRawBufferPointer(rebasing: file[range]), forKey: record.name) == nil else {
        throw malformed("the entry \(quoted(record.name)) appears twice")
      }
      end = range.upperBound
    }
    self.entries = entries
  }
}

private func malformed(_ what: String) -> WeightsError {
  WeightsError(.malformed, "the archive is damaged: \(what); get the file again")
}

// MARK: - The end of the archive

/// Where the list of entries is.
private struct Directory {
  let range: Range<Int>
  let entryCount: Int

  init(parsing file: UnsafeRawBufferPointer) throws(WeightsError) {
    let endOffset = try Self.findEnd(in: file)
    var reader = ByteReader(file, subject: "the archive")
    try reader.skip(endOffset + 4)
    let disks = (try reader.read(UInt16.self), try reader.read(UInt16.self))
    let counts = (try reader.read(UInt16.self), try reader.read(UInt16.self))
    let size = try reader.read(UInt32.self)
    let offset = try reader.read(UInt32.self)
    if let large = try Self.zip64(in: file, before: endOffset) {
      guard counts.1 == .max || UInt64(counts.1) == large.count, size == .max || UInt64(size) == large.size,
        offset == .max || UInt64(offset) == large.offset
      else { throw malformed("its two end records differ") }
      try self.init(count: large.count, size: large.size, offset: large.offset, end: large.recordOffset)
    } else {
      guard disks == (0, 0), counts.0 == counts.1 else { throw malformed("it is a part of a split archive") }
      try self.init(count: UInt64(counts.1), size: UInt64(size), offset: UInt64(offset), end: endOffset)
    }
  }

  private init(count: UInt64, size: UInt64, offset: UInt64, end: Int) throws(WeightsError) {
    guard offset <= end, size == UInt64(end) - offset else {
      throw malformed("its directory should have \(size) bytes from byte \(offset) and its end is at byte \(end)")
    }
    // An entry of the directory has 46 bytes and a name.
    guard count <= size / 46 else { throw malformed("\(count) entries do not fit in a directory of \(size) bytes") }
    range = Int(offset)..<end
    entryCount = Int(count)
  }

  /// The end record, which is followed by nothing but its own comment.
  private static func findEnd(in file: UnsafeRawBufferPointer) throws(WeightsError) -> Int {
    let recordSize = 22
    var offset = file.count - recordSize
    let first = max(0, offset - Int(UInt16.max))
    while offset >= first {
      if file.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian == 0x0605_4B50 {
        let comment = file.loadUnaligned(fromByteOffset: offset + 20, as: UInt16.self).littleEndian
        if offset + recordSize + Int(comment) == file.count { return offset }
      }
      offset -= 1
    }
    throw malformed("it has no end record: the file is cut short")
  }

  private static func zip64(
    in file: UnsafeRawBufferPointer, before endOffset: Int
  ) throws(WeightsError) -> (count: UInt64, size: UInt64, offset: UInt64, recordOffset: Int)? {
    let locatorSize = 20
    guard endOffset >= locatorSize else { return nil }
    var locator = ByteReader(file, subject: "the archive")
    try locator.skip(endOffset - locatorSize)
    guard try locator.read(UInt32.self) == 0x0706_4B50 else { return nil }
    try locator.skip(4)
    let recordOffset = try locator.read(UInt64.self)
    let recordSize = 56
    guard recordOffset <= endOffset - locatorSize, endOffset - locatorSize - Int(recordOffset) >= recordSize else {
      throw malformed("its zip64 end record is said to be at byte \(recordOffset)")
    }
    var record = ByteReader(file, subject: "the archive")
    try record.skip(Int(recordOffset))
    guard try record.read(UInt32.self) == 0x0606_4B50 else { throw malformed("it has no zip64 end record") }
    // Its own size, two versions, two numbers of disks.
    try record.skip(8 + 2 + 2 + 4 + 4)
    let onThisDisk = try record.read(UInt64.self)
    let count = try record.read(UInt64.self)
    guard onThisDisk == count else { throw malformed("it is a part of a split archive") }
    return (count, try record.read(UInt64.self), try record.read(UInt64.self), Int(recordOffset))
  }
}

// MARK: - One entry

/// What the directory says about one entry.
private struct Record {
  let name: String
  let headerOffset: Int
  private let byteCount: Int
  private let nameByteCount: Int

  init(from reader: inout ByteReader) throws(WeightsError) {
    guard try reader.read(UInt32.self) == 0x0201_4B50 else {
      throw malformed("its directory has no entry where one should be")
    }
    // The versions that made it and that can read it.
    try reader.skip(2 + 2)
    let flags = try reader.read(UInt16.self)
    let method = try reader.read(UInt16.self)
    // Time, date and checksum.
    try reader.skip(2 + 2 + 4)
    let storedSize = try reader.read(UInt32.self)
    let size = try reader.read(UInt32.self)
    let nameCount = Int(try reader.read(UInt16.self))
    let extraCount = Int(try reader.read(UInt16.self))
    let commentCount = Int(try reader.read(UInt16.self))
    // The number of the disk, and attributes.
    try reader.skip(2 + 2 + 4)
    let offset = try reader.read(UInt32.self)
    let nameBytes = try reader.read(count: nameCount)
    var extra = ByteReader(try reader.read(count: extraCount), subject: "an entry of the archive's directory")
    try reader.skip(commentCount)
    guard let name = String(validating: nameBytes, as: UTF8.self) else {
      throw malformed("the name of an entry is not UTF-8")
    }
    guard flags & 1 == 0, method == 0 else {
      throw WeightsError(
        .unsupported,
        """
        the entry \(quoted(name)) of the archive is \(flags & 1 == 0 ? "compressed" : "encrypted"), and torch.save \
        writes neither: open the file in PyTorch and save it again, or repack it with `zip -0`
        """)
    }
    var large = try Zip64Extra(from: &extra)
    let fullSize = try large.value(of: size)
    let fullStoredSize = try large.value(of: storedSize)
    let fullOffset = try large.value(of: offset)
    guard fullSize == fullStoredSize, let byteCount = Int(exactly: fullSize),
      let headerOffset = Int(exactly: fullOffset)
    else { throw malformed("the entry \(quoted(name)) has \(fullSize) bytes and \(fullStoredSize) are stored") }
    self.name = name
    self.headerOffset = headerOffset
    self.byteCount = byteCount
    self.nameByteCount = nameCount
  }

  /// Where the bytes are, behind the entry's own header.
  func locate(in file: UnsafeRawBufferPointer, before limit: Int) throws(WeightsError) -> Range<Int> {
    var reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: file[..<limit]), subject: "the archive's entry \(quoted(name))")
    try reader.skip(headerOffset)
    guard try reader.read(UInt32.self) == 0x0403_4B50 else {
      throw malformed("the entry \(quoted(name)) has no header at byte \(headerOffset)")
    }
    // Version and flags; then method; then time, date, checksum and sizes, which may be left to the directory.
    try reader.skip(2 + 2)
    guard try reader.read(UInt16.self) == 0 else {
      throw malformed("the entry \(quoted(name)) is described twice, differently")
    }
    try reader.skip(2 + 2 + 4 + 4 + 4)
    let nameCount = Int(try reader.read(UInt16.self))
    let extraCount = Int(try reader.read(UInt16.self))
    let ownName = try reader.read(count: nameCount)
    guard nameCount == nameByteCount, ownName.elementsEqual(name.utf8) else {
      throw malformed("the entry \(quoted(name)) is described twice, differently")
    }
    try reader.skip(extraCount)
    let start = reader.offset
    try reader.skip(byteCount)
    return start..<reader.offset
  }
}

/// The 64-bit numbers of an entry whose 32-bit fields are too small for them, in the order of those fields.
private struct Zip64Extra {
  private var numbers: ByteReader?

  init(from extra: inout ByteReader) throws(WeightsError) {
    while extra.remaining >= 4 {
      let identifier = try extra.read(UInt16.self)
      let field = try extra.read(count: Int(extra.read(UInt16.self)))
      if identifier == 0x0001 {
        numbers = ByteReader(field, subject: "the zip64 field of an entry of the archive")
        return
      }
    }
  }

  mutating func value(of field: UInt32) throws(WeightsError) -> UInt64 {
    guard field == .max, numbers != nil else { return UInt64(field) }
    return try numbers?.read(UInt64.self) ?? UInt64(field)
  }
}
