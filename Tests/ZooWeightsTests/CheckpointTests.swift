import Testing
import ZooTensor
import ZooWeights

@Suite struct CheckpointTests {
  @Test(arguments: Fixture.cases, Fixture.layouts)
  func bothLayoutsGiveWhatPyTorchSaved(name: String, layout: String) throws {
    let expected = try Weights(contentsOf: Fixture.path("\(name).safetensors"))
    try expectSame(Weights(contentsOf: Fixture.path("\(name).\(layout).pth")), expected)
    try expectSame(Weights(checkpoint: Fixture.bytes("\(name).\(layout).pth")), expected)
  }

  @Test(arguments: [3, 4, 5], Fixture.layouts)
  func everyProtocolGivesTheSame(version: Int, layout: String) throws {
    try expectSame(
      Weights(contentsOf: Fixture.path("module.protocol\(version).\(layout).pth")),
      Weights(contentsOf: Fixture.path("module.safetensors")))
  }

  @Test(arguments: Fixture.names)
  func tensorsAreAlignedForTheirElements(name: String) throws {
    let weights = try Weights(contentsOf: Fixture.path(name))
    for name in weights.names {
      let tensor = try weights[name]
      let address = tensor.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
      #expect(address.isMultiple(of: UInt(tensor.elementType.byteCount)), "\(name)")
    }
  }

  @Test func tensorsOutliveTheirCollection() throws {
    let tensor = try Weights(contentsOf: Fixture.path("views.zip.pth"))["whole"]
    #expect(tensor.floats() == (0..<120).map(Float.init))
  }

  @Test func aMemberOfManyIsChosenByItsName() throws {
    let bytes = Self.checkpoint { p in
      p.raw("}")
      for key in ["ema", "params", "state_dict"] {
        p.string(key)
        p.dictionary("w.\(key)") { $0.tensor(storageCount: 2, shape: [2], strides: [1]) }
        p.raw("s")
      }
    }
    #expect(try Weights(checkpoint: bytes).names == ["w.state_dict"])
  }

  @Test func wrappersAreLookedThrough() throws {
    let bytes = Self.checkpoint { p in
      p.dictionary("run") { p in
        p.dictionary("model") { p in
          p.dictionary("module.w") { $0.tensor(storageCount: 2, shape: [2], strides: [1]) }
        }
      }
    }
    #expect(try Weights(checkpoint: bytes).names == ["w"])
  }

  @Test func aPrefixThatOnlySomeNamesHaveStays() throws {
    let bytes = Self.checkpoint { p in
      p.raw("}")
      for key in ["module.w", "b"] {
        p.string(key)
        p.tensor(storageCount: 2, shape: [2], strides: [1])
        p.raw("s")
      }
    }
    #expect(try Weights(checkpoint: bytes).names == ["b", "module.w"])
  }

  @Test func twoTensorsOfOneNameAreRefused() {
    let bytes = Self.checkpoint { p in
      p.raw("}")
      p.string("a.b")
      p.tensor(storageCount: 2, shape: [2], strides: [1])
      p.raw("s")
      p.string("a")
      p.dictionary("b") { $0.tensor(storageCount: 2, shape: [2], strides: [1]) }
      p.raw("s")
    }
    expectError(.malformed, saying: "two tensors named 'a.b'") { try Weights(checkpoint: bytes) }
  }

  @Test func whatHoldsNoTensorsIsRefused() {
    expectError(.unsupported, saying: "a dict without tensors") {
      try Weights(checkpoint: zipCheckpoint(PickleBuilder { p in p.dictionary("epoch") { $0.integer(3) } }))
    }
    expectError(.unsupported, saying: "a str without tensors") {
      try Weights(checkpoint: zipCheckpoint(PickleBuilder { $0.string("x") }))
    }
    expectError(.unsupported, saying: "without a name") {
      try Weights(checkpoint: Self.checkpoint { $0.tensor(storageCount: 2, shape: [2], strides: [1]) })
    }
    expectError(.unsupported, saying: "neither a string nor an int") {
      try Weights(
        checkpoint: Self.checkpoint { p in
          p.raw("}N")
          p.tensor(storageCount: 2, shape: [2], strides: [1])
          p.raw("s")
        })
    }
  }

  @Test func theOrderedDictionaryOfPython2IsRead() throws {
    let bytes = Self.checkpoint { p in
      p.global("collections", "OrderedDict")
      p.raw("]](U")
      p.raw(1)
      p.raw("w")
      p.tensor(storageCount: 2, shape: [2], strides: [1])
      p.raw("ea")
      p.raw(0x85)
      p.raw("R")
    }
    #expect(try Weights(checkpoint: bytes)["w"].floats() == [1, 2])
  }

  @Test func aWindowOfAStorageOfTheOldestFilesIsRead() throws {
    func checkpoint(offset: Int, count: Int) -> [UInt8] {
      let object = PickleBuilder { p in
        p.dictionary("w") { p in
          p.global("torch._utils", "_rebuild_tensor")
          p.raw("((")
          p.string("storage")
          p.global("torch", "FloatStorage")
          p.string("0")
          p.string("cpu")
          p.integer(4)
          p.raw("(")
          p.string("view")
          p.integer(offset)
          p.integer(count)
          p.raw("ttQ")
          p.integer(0)
          p.integers([2])
          p.integers([1])
          p.raw("tR")
        }
      }
      return legacyCheckpoint(
        object, storages: [(4, [1, 2, 3, 4].flatMap { littleEndianBytes(Float($0).bitPattern) })])
    }
    #expect(try Weights(checkpoint: checkpoint(offset: 1, count: 2))["w"].floats() == [2, 3])
    expectError(.malformed, saying: "not within its 4") { try Weights(checkpoint: checkpoint(offset: 3, count: 2)) }
    expectError(.malformed, saying: "not within its 4") { try Weights(checkpoint: checkpoint(offset: -1, count: 2)) }
    expectError(.malformed, saying: "storage of 1") { try Weights(checkpoint: checkpoint(offset: 3, count: 1)) }
  }

  /// A checkpoint in the older layout with a storage "0" of the floats 1 and 2.
  private static func checkpoint(_ build: (inout PickleBuilder) -> Void) -> [UInt8] {
    let floats = [1, 2].flatMap { littleEndianBytes(Float($0).bitPattern) }
    return legacyCheckpoint(PickleBuilder(build), storages: [(2, floats)])
  }
}

@Suite struct FileFormatTests {
  @Test func theFormatIsToldByContentAndNotByName() throws {
    try withTemporaryFolder { folder in
      let expected = try Weights(contentsOf: Fixture.path("module.safetensors"))
      for name in ["module.zip.pth", "module.legacy.pth", "module.safetensors"] {
        try write(Fixture.bytes(name), to: "\(folder)/weights.bin")
        try expectSame(Weights(contentsOf: "\(folder)/weights.bin"), expected)
      }
    }
  }

  @Test func whatIsNoFileOfWeightsIsRefused() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/w.pth"
      try write([], to: path)
      expectError(.malformed, saying: "'w.pth': the file is empty") { try Weights(contentsOf: path) }
      try write(Array("hello".utf8), to: path)
      expectError(.unknownFormat, saying: "68 65 6c 6c 6f") { try Weights(contentsOf: path) }
      var tar = [UInt8](repeating: 0, count: 512)
      tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
      try write(tar, to: path)
      expectError(.unsupported, saying: "tar archive") { try Weights(contentsOf: path) }
      expectError(.unreadableFile, saying: "'missing.pth'") { try Weights(contentsOf: "\(folder)/missing.pth") }
      let message = expectError(.unreadableFile, saying: "regular file") { try Weights(contentsOf: folder) }?.message
      #expect(message?.contains("/") == false)
    }
  }

  @Test func aFileOverTheLimitIsNotMapped() {
    var limits = WeightsLimits()
    limits.fileByteCount = 100
    expectError(.limitExceeded, saying: "fileByteCount") {
      try Weights(contentsOf: Fixture.path("module.safetensors"), limits: limits)
    }
  }
}

/// Checkpoints that other people published; not part of the repository.
@Suite struct PublishedCheckpointTests {
  @Test func theViewsOfTheHorse2ZebraGeneratorAreReadBitForBit() throws {
    guard let checkpoint = Fixture.shared("horse2zebra-gan-compression/latest_net_G.pth"),
      let expected = Fixture.shared("horse2zebra-gan-compression/generator.safetensors")
    else { return }
    let weights = try Weights(contentsOf: checkpoint)
    try expectSame(weights, Weights(contentsOf: expected))
    #expect(weights.count == 84)
    #expect(weights.parameterCount == 356_867)
    try weights.requireFinite()
  }

  @Test(arguments: ["G_XtoY.pkl", "G_YtoX.pkl"])
  func theEmojiGeneratorsAreRead(name: String) throws {
    guard let path = Fixture.shared("emoji-cyclegan/\(name)") else { return }
    let weights = try Weights(contentsOf: path)
    #expect(weights.count == 21)
    #expect(try weights["conv1.0.weight"].shape == [32, 3, 4, 4])
    try weights.requireFinite()
  }

  @Test func theCartoonGeneratorIsRead() throws {
    guard let path = Fixture.shared("cartoongan-hayao/generator.safetensors") else { return }
    let weights = try Weights(contentsOf: path)
    #expect(weights.parameterCount == 11_129_667)
    try weights.requireFinite()
  }
}
