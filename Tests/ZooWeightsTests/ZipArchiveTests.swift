import Testing
import ZooTensor

@testable import ZooWeights

@Suite struct ZipArchiveTests {
  private static let object = PickleBuilder { p in
    p.dictionary("w") { $0.tensor(storageCount: 1, shape: [1], strides: [1]) }
  }
  private static let number = littleEndianBytes(Float(2.5).bitPattern)

  private static func archive(_ change: (inout ZipBuilder) -> Void = { _ in }) -> [UInt8] {
    var archive = ZipBuilder()
    archive.add("w/data.pkl", object.bytes)
    archive.add("w/data/0", number)
    change(&archive)
    return archive.bytes()
  }

  /// The same, with another entry in the place of the storage.
  private static func storage(_ change: (inout ZipBuilder.Entry) -> Void) -> [UInt8] {
    archive { archive in
      archive.entries.removeLast()
      archive.add("w/data/0", number, change)
    }
  }

  @Test func aPlainArchiveIsRead() throws {
    #expect(try Weights(checkpoint: Self.archive())["w"].floats() == [2.5])
  }

  @Test func aCommentMayFollow() throws {
    let bytes = Self.archive { $0.comment = Array("PK\u{5}\u{6} is no end record here, for it is too short".utf8) }
    #expect(try Weights(checkpoint: bytes).names == ["w"])
  }

  @Test func aZip64ArchiveIsRead() throws {
    let bytes = Self.archive { archive in
      archive.zip64Count = 2
      archive.entryCount = .max
      archive.directorySize = .max
      archive.directoryOffset = .max
      archive.entries[1].extra =
        littleEndianBytes(0xCAFE as UInt16) + littleEndianBytes(0 as UInt16)
        + littleEndianBytes(1 as UInt16) + littleEndianBytes(16 as UInt16)
        + littleEndianBytes(4 as UInt64) + littleEndianBytes(4 as UInt64)
      archive.entries[1].size = .max
      archive.entries[1].storedSize = .max
    }
    #expect(try Weights(checkpoint: bytes)["w"].floats() == [2.5])
  }

  @Test func aCompressedOrEncryptedEntryIsNamed() {
    expectError(.unsupported, saying: "'w/data/0' of the archive is compressed") {
      try Weights(checkpoint: Self.storage { $0.method = 8 })
    }
    expectError(.unsupported, saying: "'w/data/0' of the archive is encrypted") {
      try Weights(checkpoint: Self.storage { $0.flags = 1 })
    }
  }

  @Test func whatLiesAboutItselfIsRefused() {
    let lies: [(reason: String, bytes: [UInt8])] = [
      ("no end record", Array(Self.archive().dropLast())),
      ("no end record", CheckpointReader.zipSignature),
      ("no end record", Self.archive() + [0]),
      ("should have 0 bytes", Self.archive { $0.directorySize = 0 }),
      ("should have", Self.archive { $0.directoryOffset = 0 }),
      ("should have", Self.archive { $0.directoryOffset = .max }),
      ("belong to no entry", Self.archive { $0.entryCount = 1 }),
      ("3 entries do not fit", Self.archive { $0.entryCount = 3 }),
      ("its two end records differ", Self.archive { $0.zip64Count = 1 }),
      (
        "entries do not fit",
        Self.archive {
          $0.zip64Count = .max
          $0.entryCount = .max
        }
      ),
      (
        "has no header", Self.storage { $0.offset = UInt32(30 + "w/data.pkl".utf8.count + Self.object.bytes.count + 1) }
      ),
      ("cut short", Self.storage { $0.offset = .max }),
      (
        "cut short",
        Self.storage {
          $0.size = .max
          $0.storedSize = .max
        }
      ),
      ("overlaps another", Self.storage { $0.offset = 0 }),
      ("described twice, differently", Self.storage { $0.localName = "w/data/1" }),
      ("described twice, differently", Self.storage { $0.localName = "w/data/00" }),
      ("has 3 bytes and 4 are stored", Self.storage { $0.size = 3 }),
      (
        "cut short",
        Self.storage {
          $0.size = 1000
          $0.storedSize = 1000
        }
      ),
      (
        "should have 1 elements",
        Self.storage {
          $0.size = 3
          $0.storedSize = 3
        }
      ),
      ("appears twice", Self.archive { $0.add("w/data/0", Self.number) }),
      (
        "zip64 field",
        Self.storage {
          $0.size = .max
          $0.extra = littleEndianBytes(1 as UInt16) + littleEndianBytes(4 as UInt16) + [0, 0, 0, 0]
        }
      ),
      ("1 bytes follow the end of the pickle", zipCheckpoint(Self.object, trailing: [0])),
    ]
    for (index, lie) in lies.enumerated() {
      expectError(.malformed, saying: lie.reason, "lie \(index)") { try Weights(checkpoint: lie.bytes) }
    }
  }

  @Test func anArchiveThatIsNoCheckpointIsRefused() {
    var other = ZipBuilder()
    other.add("readme.txt", [])
    expectError(.unsupported, saying: "0 entries named data.pkl") { try Weights(checkpoint: other.bytes()) }
    expectError(.unsupported, saying: "2 entries named data.pkl") {
      try Weights(checkpoint: Self.archive { $0.add("v/data.pkl", []) })
    }
    expectError(.unsupported, saying: "TorchScript") {
      try Weights(checkpoint: Self.archive { $0.add("w/constants.pkl", []) })
    }
    expectError(.unsupported, saying: "'big'") {
      try Weights(checkpoint: Self.archive { $0.add("w/byteorder", Array("big".utf8)) })
    }
  }

  @Test func tooManyEntriesAreRefusedByTheirCount() {
    var limits = WeightsLimits()
    limits.tensorCount = 1
    let archive = Self.archive {
      $0.add("w/version", [])
      $0.add("w/byteorder", Array("little".utf8))
    }
    expectError(.limitExceeded, saying: "4 entries") { try Weights(checkpoint: archive, limits: limits) }
  }
}
