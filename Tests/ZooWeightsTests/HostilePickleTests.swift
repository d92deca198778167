import Testing
import ZooTensor
import ZooWeights

/// Pickles that want to run something, that lie, or that want to exhaust the reader.
@Suite struct HostilePickleTests {
  /// What is put into both layouts.
  private static func checkpoints(_ object: PickleBuilder) -> [[UInt8]] {
    [
      legacyCheckpoint(object, storages: [(4, [UInt8](repeating: 0, count: 16))]),
      zipCheckpoint(object, storages: ["0": [UInt8](repeating: 0, count: 16)]),
    ]
  }

  static let attacks: [(name: String, object: PickleBuilder)] = [
    (
      "posix.system",
      PickleBuilder { p in
        p.global("posix", "system")
        p.string("id")
        p.raw(0x85)
        p.raw("R")
      }
    ),
    (
      "os.system",
      PickleBuilder { p in
        p.dictionary("weight") { p in
          p.global("os", "system")
          p.string("id")
          p.raw(0x85)
          p.raw("R")
        }
      }
    ),
    ("builtins.eval", PickleBuilder { $0.global("builtins", "eval") }),
    ("__builtin__.eval", PickleBuilder { $0.global("__builtin__", "eval") }),
    (
      "os.system",
      PickleBuilder { p in
        p.string("os")
        p.string("system")
        p.raw(0x93)
      }
    ),
    ("numpy.core.multiarray._reconstruct", PickleBuilder { $0.global("numpy.core.multiarray", "_reconstruct") }),
    ("torch.load", PickleBuilder { $0.global("torch", "load") }),
    ("torch.FloatStorage.__init__", PickleBuilder { $0.global("torch", "FloatStorage.__init__") }),
    ("collections.OrderedDict.fromkeys", PickleBuilder { $0.global("collections", "OrderedDict.fromkeys") }),
    ("torch._utils._import_dotted_name", PickleBuilder { $0.global("torch._utils", "_import_dotted_name") }),
    ("Torch.FloatStorage", PickleBuilder { $0.global("Torch", "FloatStorage") }),
  ]

  @Test(arguments: attacks.indices)
  func aNameThatIsNotDataIsRefusedByName(index: Int) {
    let (name, object) = Self.attacks[index]
    for bytes in Self.checkpoints(object) + [object.bytes] {
      let error = expectError(.forbiddenGlobal, saying: "'\(name)'") { try Weights(checkpoint: bytes) }
      #expect(error?.message.contains("Nothing was executed") == true)
      #expect(error?.message.contains("state_dict()") == true)
    }
  }

  /// Instructions that run or import something and are not understood at all.
  @Test(arguments: [
    "(S'id'\nios\nsystem\n", "(cos\nsystem\nS'id'\no", "\u{82}", "I1\n", "S'x'\n", "Pid\n", "p0\n", "g0\n",
  ])
  func instructionsThatAreNotDataAreRefused(text: String) {
    let object = PickleBuilder { p in
      for scalar in text.unicodeScalars { p.raw(UInt8(scalar.value)) }
    }
    for bytes in Self.checkpoints(object) {
      #expect(throws: WeightsError.self) { try Weights(checkpoint: bytes) }
    }
  }

  @Test(arguments: ["float8_e4m3fn", "complex64", "ComplexFloatStorage", "QUInt8Storage", "uint64"])
  func anElementTypeThatIsNotReadIsNamed(name: String) {
    for bytes in Self.checkpoints(PickleBuilder { $0.global("torch", name) }) {
      expectError(.unsupported, saying: "'torch.\(name)'") { try Weights(checkpoint: bytes) }
    }
  }

  @Test func aPlainPickleIsNoCheckpoint() {
    expectError(.unsupported, saying: "magic number") {
      try Weights(checkpoint: PickleBuilder { p in p.dictionary("a") { $0.integer(1) } }.bytes)
    }
  }

  static let malformed: [(reason: String, object: PickleBuilder)] = [
    ("empty stack", PickleBuilder { $0.raw("0") }),
    ("empty stack", PickleBuilder { $0.raw(0x85) }),
    ("empty stack", PickleBuilder { $0.raw("N(0") }),
    ("empty stack", PickleBuilder { $0.raw("q\u{1}") }),
    ("ends a container that was not begun", PickleBuilder { $0.raw("t") }),
    ("ends with 0 values", PickleBuilder { _ in }),
    ("ends with 2 values", PickleBuilder { $0.raw("NN") }),
    ("ends with 1 values and 1 open", PickleBuilder { $0.raw("(N") }),
    ("sets an item of a list", PickleBuilder { $0.raw("]NNs") }),
    ("sets a key without a value", PickleBuilder { $0.raw("}(Nu") }),
    ("appends to a dict", PickleBuilder { $0.raw("}Na") }),
    ("value 7 of its memo", PickleBuilder { $0.raw(0x68, 7) }),
    ("protocol 6", PickleBuilder { $0.raw(0x80, 6) }),
    ("calls a int", PickleBuilder { $0.raw("K\u{1})R") }),
    ("calls a tuple", PickleBuilder { $0.raw("))R") }),
    (
      "with a dict, not a tuple",
      PickleBuilder { p in
        p.global("collections", "OrderedDict")
        p.raw("}R")
      }
    ),
    (
      "wrong arguments: int",
      PickleBuilder { p in
        p.global("torch", "Size")
        p.integer(1)
        p.raw(0x85)
        p.raw("R")
      }
    ),
    (
      "wrong arguments",
      PickleBuilder { p in
        p.global("torch", "FloatStorage")
        p.raw(")R")
      }
    ),
    ("sets the state of a list", PickleBuilder { $0.raw("]}b") }),
    (
      "makes a dictionary of something that is not pairs",
      PickleBuilder { p in
        p.global("collections", "OrderedDict")
        p.raw("]Na")
        p.raw(0x85)
        p.raw("R")
      }
    ),
    ("not a storage", PickleBuilder { $0.raw("NQ") }),
    ("not a storage", PickleBuilder { $0.raw("(tQ") }),
    ("not those of torch.save", PickleBuilder { $0.raw("(NNNNNtQ") }),
    ("not those of torch.save", PickleBuilder { $0.storage(count: -1) }),
    (
      "of the class collections.OrderedDict",
      PickleBuilder { p in
        p.raw("(")
        p.string("storage")
        p.global("collections", "OrderedDict")
        p.string("0")
        p.string("cpu")
        p.integer(1)
        p.raw("tQ")
      }
    ),
    (
      "twice, differently",
      PickleBuilder { p in
        p.storage(count: 4)
        p.storage(count: 5)
      }
    ),
    (
      "twice, differently",
      PickleBuilder { p in
        p.storage(count: 4)
        p.storage(class: "DoubleStorage", count: 4)
      }
    ),
    ("cannot be made", PickleBuilder { $0.dictionary("w") { $0.tensor(storageCount: 4, shape: [-1], strides: [1]) } }),
    (
      "shape of 9 dimensions",
      PickleBuilder { p in
        p.tensor(storageCount: 4, shape: .init(repeating: 1, count: 9), strides: [])
      }
    ),
    ("not UTF-8", PickleBuilder { $0.raw(0x8C, 1, 0xFF) }),
    (
      "an integer of 40 bytes",
      PickleBuilder { p in
        p.raw(0x8A, 40)
        p.raw(String(repeating: "x", count: 40))
      }
    ),
    ("cut short", PickleBuilder { $0.raw(0x8B, 0xFF, 0xFF, 0xFF, 0xFF) }),
    ("not end within 256 bytes", PickleBuilder { $0.raw("c" + String(repeating: "x", count: 300)) }),
  ]

  @Test(arguments: malformed.indices)
  func aPickleThatMakesNoSenseIsRefused(index: Int) {
    let (reason, object) = Self.malformed[index]
    for bytes in Self.checkpoints(object) {
      expectError(.malformed, saying: reason) { try Weights(checkpoint: bytes) }
    }
  }

  /// Windows on a storage of four elements that reach out of it, or whose end cannot be counted.
  @Test(
    arguments: [
      (0, [5], [1]), (1, [4], [1]), (0, [2], [4]), (0, [2, 2], [2, 2]), (4, [1], [1]), (-1, [1], [1]), (5, [0], [1]),
      (0, [2], [-1]), (0, [2], [Int.max]), (Int.max, [2], [1]), (0, [3], [Int.max / 2 + 1]),
      (0, [2, 2], [.max, .max]),
      (0, [4], []), (0, [2], [1, 1]), (0, [], [1]), (4, [], []),
    ] as [(Int, [Int], [Int])])
  func aTensorThatReachesOutOfItsStorageIsRefused(offset: Int, shape: [Int], strides: [Int]) {
    let object = PickleBuilder { p in
      p.dictionary("w") { $0.tensor(storageCount: 4, offset: offset, shape: shape, strides: strides) }
    }
    for bytes in Self.checkpoints(object) {
      expectError(.malformed, saying: "not within its storage of 4") { try Weights(checkpoint: bytes) }
    }
  }

  @Test func aStorageOfAnotherSizeIsRefused() {
    for count in [3, 5, Int.max, Int.max / 4 + 1] {
      let object = PickleBuilder { p in
        p.dictionary("w") { $0.tensor(storageCount: count, shape: [1], strides: [1]) }
      }
      for bytes in Self.checkpoints(object) {
        expectError(.malformed, saying: "the storage '0'") { try Weights(checkpoint: bytes) }
      }
      expectError(.malformed) {
        try Weights(checkpoint: legacyCheckpoint(object, storages: [(count, [UInt8](repeating: 0, count: 16))]))
      }
    }
  }

  @Test func aStorageThatIsMissingOrNotAskedForIsRefused() {
    let object = PickleBuilder { p in
      p.dictionary("w") { $0.tensor(storageCount: 1, shape: [1], strides: [1]) }
    }
    let one = (count: 1, bytes: [UInt8](repeating: 0, count: 4))
    expectError(.malformed, saying: "no storage '0'") { try Weights(checkpoint: zipCheckpoint(object)) }
    expectError(.malformed, saying: "storage '0', which is missing") {
      try Weights(checkpoint: legacyCheckpoint(object, keys: [], storages: []))
    }
    expectError(.malformed, saying: "that no tensor refers to") {
      try Weights(checkpoint: legacyCheckpoint(object, keys: ["0", "1"], storages: [one, one]))
    }
    expectError(.malformed, saying: "twice") {
      try Weights(checkpoint: legacyCheckpoint(object, keys: ["0", "0"], storages: [one, one]))
    }
    expectError(.malformed, saying: "4 bytes follow the last storage") {
      try Weights(checkpoint: legacyCheckpoint(object, storages: [(1, one.bytes + one.bytes)]))
    }
  }

  @Test func anotherByteOrderOrVersionIsRefused() {
    let object = PickleBuilder { p in
      p.dictionary("w") { $0.tensor(storageCount: 1, shape: [1], strides: [1]) }
    }
    let storages = [(count: 1, bytes: [UInt8](repeating: 0, count: 4))]
    expectError(.unsupported, saying: "big-endian") {
      try Weights(checkpoint: legacyCheckpoint(object, littleEndian: false, storages: storages))
    }
    expectError(.malformed, saying: "1001") {
      try Weights(checkpoint: legacyCheckpoint(object, version: 1002, storages: storages))
    }
  }

  @Test func aLazyNegationIsNotIgnored() {
    let object = PickleBuilder { p in
      p.dictionary("w") { p in
        p.global("torch._utils", "_rebuild_tensor_v2")
        p.raw("(")
        p.storage(count: 4)
        p.integer(0)
        p.integers([4])
        p.integers([1])
        p.raw(0x89)
        p.raw("}")
        p.dictionary("neg") { $0.raw(0x88) }
        p.raw("tR")
      }
    }
    for bytes in Self.checkpoints(object) {
      expectError(.unsupported, saying: "resolve_neg()") { try Weights(checkpoint: bytes) }
    }
  }
}
