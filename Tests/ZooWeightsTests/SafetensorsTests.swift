import Foundation
import Testing
import ZooTensor
import ZooWeights

/// A safetensors file of a header, as it is written, and of numbers.
func safetensors(_ header: String, dataByteCount: Int = 0, length: UInt64? = nil) -> [UInt8] {
  let json = Array(header.utf8)
  return littleEndianBytes(length ?? UInt64(json.count)) + json
    + (0..<dataByteCount).map { UInt8(truncatingIfNeeded: $0) }
}

/// The description of a tensor in a header.
private func entry(_ name: String, _ dtype: String, _ shape: String, _ begin: String, _ end: String) -> String {
  #""\#(name)":{"dtype":"\#(dtype)","shape":[\#(shape)],"data_offsets":[\#(begin),\#(end)]}"#
}

@Suite struct SafetensorsReadingTests {
  @Test func tensorsAndMetadataAreRead() throws {
    let header = """
      {"__metadata__":{"note":"\\u00e9\\n\\ud83d\\ude00 \\"q\\""}, \(entry("b", "F32", "2", "4", "12")) ,
      \(entry("a", "U8", "2, 2", "0", "4")), \(entry("none", "F16", "3,0", "4", "4")), \(entry("scalar", "I8", "", "12", "13"))}
      """
    let weights = try Weights(safetensors: safetensors(header + "   ", dataByteCount: 13))
    #expect(weights.names == ["a", "b", "none", "scalar"])
    #expect(weights.metadata == ["note": "é\n😀 \"q\""])
    #expect(try weights["a"].shape == [2, 2])
    #expect(try weights["a"].withElements(of: UInt8.self, Array.init) == [0, 1, 2, 3])
    #expect(try weights["b"].withUnsafeBytes { Array($0) } == [4, 5, 6, 7, 8, 9, 10, 11])
    #expect(try weights["none"].shape == [3, 0])
    #expect(try weights["scalar"].withElements(of: Int8.self, Array.init) == [12])
  }

  @Test func numbersThatAreNotAlignedInTheFileAreAlignedInTheTensor() throws {
    for padding in 0..<8 {
      let header = "{\(entry("a", "U8", "1", "0", "1")),\(entry("b", "I64", "1", "1", "9"))}"
      let weights = try Weights(
        safetensors: safetensors(header + String(repeating: " ", count: padding), dataByteCount: 9))
      let (value, address) = try weights["b"].withElements(of: Int64.self) {
        ($0[0], UInt(bitPattern: $0.baseAddress))
      }
      #expect(value == 0x0807_0605_0403_0201)
      #expect(address.isMultiple(of: 8))
    }
  }

  @Test func typesThatTensorsLackAreConverted() throws {
    let header = """
      {\(entry("double", "F64", "1", "0", "8")),\(entry("short", "I16", "1", "8", "10")),\
      \(entry("ushort", "U16", "1", "10", "12")),\(entry("uint", "U32", "1", "12", "16")),\
      \(entry("bool", "BOOL", "3", "16", "19"))}
      """
    let numbers: [UInt8] =
      littleEndianBytes((1.0 / 3).bitPattern) + [0xFE, 0xFF, 0xFE, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0, 1, 5]
    let weights = try Weights(safetensors: safetensors(header) + numbers)
    #expect(try weights["double"].floats() == [Float(1.0 / 3)])
    #expect(try weights["short"].withElements(of: Int32.self, Array.init) == [-2])
    #expect(try weights["ushort"].withElements(of: Int32.self, Array.init) == [65534])
    #expect(try weights["uint"].withElements(of: Int64.self, Array.init) == [4_294_967_294])
    #expect(try weights["bool"].withElements(of: UInt8.self, Array.init) == [0, 1, 1])
  }

  @Test func aDoubleThatIsTooLargeForAFloatIsAnError() {
    let header = "{\(entry("big", "F64", "2", "0", "16"))}"
    let numbers = littleEndianBytes(1.0.bitPattern) + littleEndianBytes((-1e300).bitPattern)
    expectError(.notRepresentable, saying: "'big' holds -1e+300 at [1]") {
      try Weights(safetensors: safetensors(header) + numbers)
    }
  }

  @Test func anInfiniteDoubleStaysInfinite() throws {
    let header = "{\(entry("big", "F64", "1", "0", "8"))}"
    let bytes = safetensors(header) + littleEndianBytes(Double.infinity.bitPattern)
    #expect(try Weights(safetensors: bytes)["big"].floats() == [.infinity])
  }

  @Test(
    arguments: [
      // The frame.
      ([], "cut short"),
      ([1, 2, 3, 4, 5, 6, 7], "cut short"),
      (safetensors("{}", length: 3), "says it has 3 bytes and 2 follow"),
      (safetensors("{}", length: 1), "ends in the middle"),
      (safetensors("[]"), "does not begin with '{'"),
      (safetensors(" {}"), "does not begin with '{'"),
      (safetensors(""), "does not begin with '{'"),
      (safetensors("{}", dataByteCount: 3), "3 bytes after the last tensor"),
      // JSON.
      (safetensors("{"), "ends in the middle"),
      (safetensors("{}}"), "something follows"),
      (safetensors("{\"a\":1,}"), "'{' is expected"),
      (safetensors("{\"a\"}"), "':' is expected"),
      (safetensors("{\"a\":{\"dtype\":\"F32\""), "ends in the middle"),
      (safetensors("{\"\\x\":{}}"), "unknown escape"),
      (safetensors("{\"\\u12g4\":{}}"), "hexadecimal"),
      (safetensors("{\"\\ud800\":{}}"), "surrogate"),
      (safetensors("{\"\\ud800\\u0041\":{}}"), "surrogate"),
      (safetensors("{\"a\nb\":{}}"), "control character 10"),
      (littleEndianBytes(UInt64(6)) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D], "not UTF-8"),
      (safetensors("{\"__metadata__\":{\"a\":1}}"), "'\"' is expected"),
      (safetensors("{\"__metadata__\":[]}"), "'{' is expected"),
      // Keys.
      (safetensors("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}"), "'a' appears twice"),
      (
        safetensors("{\(entry("a", "U8", "1", "0", "1")),\(entry("a", "U8", "1", "1", "2"))}", dataByteCount: 2),
        "'a' appears twice"
      ),
      (safetensors("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}"), "'dtype' appears twice"),
      (safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}"), "lacks one of"),
      (safetensors("{\"a\":{\"size\":[]}}"), "unknown field 'size'"),
      // Types and shapes.
      (safetensors("{\(entry("a", "F31", "1", "0", "4"))}", dataByteCount: 4), "unknown dtype 'F31'"),
      (safetensors("{\(entry("a", "U8", "1.0", "0", "1"))}", dataByteCount: 1), "']' is expected"),
      (safetensors("{\(entry("a", "U8", "-1", "0", "1"))}", dataByteCount: 1), "whole number"),
      (safetensors("{\(entry("a", "U8", "01", "0", "1"))}", dataByteCount: 1), "leading zero"),
      (safetensors("{\(entry("a", "U8", "99999999999999999999", "0", "1"))}", dataByteCount: 1), "too large"),
      (safetensors("{\(entry("a", "U8", "4611686018427387904,4", "0", "0"))}"), "'a' cannot be made"),
      (safetensors("{\(entry("a", "F64", "4611686018427387904", "0", "0"))}"), "needs too many bytes"),
      (safetensors("{\(entry("a", "U8", "1,1,1,1,1,1,1,1,1", "0", "1"))}", dataByteCount: 1), "more than 8 numbers"),
      // Offsets.
      (safetensors("{\(entry("a", "F32", "1", "0", "3"))}", dataByteCount: 3), "needs 4 bytes"),
      (safetensors("{\(entry("a", "F32", "1", "4", "0"))}", dataByteCount: 4), "later end"),
      (safetensors("{\(entry("a", "F32", "1", "0", "4"))}", dataByteCount: 3), "ends at byte 4 of 3"),
      (safetensors("{\(entry("a", "F32", "1", "4", "8"))}", dataByteCount: 8), "leaves a hole"),
      (
        safetensors("{\(entry("a", "U8", "2", "0", "2")),\(entry("b", "U8", "2", "1", "3"))}", dataByteCount: 3),
        "'b' overlaps"
      ),
      (safetensors("{\(entry("a", "U8", "0", "9223372036854775807", "9223372036854775807"))}"), "leaves a hole"),
      (safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0]}}"), "a begin and a later end"),
    ] as [([UInt8], String)])
  func whatBreaksTheFormatIsRefused(bytes: [UInt8], reason: String) {
    expectError(.malformed, saying: reason) { try Weights(safetensors: bytes) }
  }

  @Test(arguments: ["U64", "C64", "F8_E4M3", "F4"])
  func aTypeThatIsNotReadIsNamedWithItsTensor(dtype: String) {
    expectError(.unsupported, saying: "the tensor 'conv.weight' has the dtype '\(dtype)'") {
      try Weights(safetensors: safetensors("{\(entry("conv.weight", dtype, "1", "0", "8"))}", dataByteCount: 8))
    }
  }

  @Test func aHugeHeaderIsRefusedByItsLengthAlone() {
    expectError(.limitExceeded, saying: "100000001 bytes") {
      try Weights(safetensors: safetensors("{}", length: 100_000_001))
    }
    expectError(.limitExceeded) { try Weights(safetensors: safetensors("{}", length: .max)) }
  }

  @Test func limitsAreKept() {
    var limits = WeightsLimits()
    limits.tensorCount = 1
    limits.nameByteCount = 3
    let two = "{\(entry("a", "U8", "1", "0", "1")),\(entry("b", "U8", "1", "1", "2"))}"
    expectError(.limitExceeded, saying: "tensorCount") {
      try Weights(safetensors: safetensors(two, dataByteCount: 2), limits: limits)
    }
    expectError(.limitExceeded, saying: "'long'") {
      try Weights(safetensors: safetensors("{\(entry("long", "U8", "1", "0", "1"))}", dataByteCount: 1), limits: limits)
    }
  }

  @Test func errorTextsCannotBeForgedByNames() {
    let name = #"a\nb\u001b[31m"# + String(repeating: "x", count: 500)
    let error = expectError(.malformed) {
      try Weights(safetensors: safetensors("{\(entry(name, "F31", "1", "0", "4"))}", dataByteCount: 4))
    }
    #expect(error?.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
    #expect((error?.message.count ?? .max) < 250)
  }
}

@Suite struct SafetensorsWriterTests {
  private func sample() throws -> Weights {
    var tensors: [String: Tensor] = [
      "odd": try Tensor([1, 2, 3] as [Int8], shape: [3]),
      "scalar": try Tensor([-5] as [Int64], shape: []),
      "empty": try Tensor([] as [Float], shape: [2, 0]),
      "na\"me\\\n\u{1}é": try Tensor([1.5, -0.0, .nan] as [Float], shape: [1, 3]),
    ]
    for type in ElementType.allCases {
      tensors["type.\(type)"] = try Tensor([0, 1, 2, 100] as [Float], shape: [2, 2]).converted(to: type)
    }
    return Weights(tensors, metadata: ["format": "pt", "a\"": "\u{1F}é"])
  }

  @Test func whatIsWrittenIsReadBackBitForBit() throws {
    try withTemporaryFolder { folder in
      let weights = try sample()
      try SafetensorsWriter.write(weights, to: "\(folder)/w.safetensors")
      let back = try Weights(contentsOf: "\(folder)/w.safetensors")
      try expectSame(back, weights)
      #expect(back.metadata == weights.metadata)
    }
  }

  @Test func theSameWeightsGiveTheSameBytes() throws {
    try withTemporaryFolder { folder in
      try SafetensorsWriter.write(sample(), to: "\(folder)/1.safetensors")
      try SafetensorsWriter.write(sample(), to: "\(folder)/2.safetensors")
      let first = try Data(contentsOf: URL(filePath: "\(folder)/1.safetensors"))
      #expect(try first == Data(contentsOf: URL(filePath: "\(folder)/2.safetensors")))
      #expect(first.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }.isMultiple(of: 8))
    }
  }

  @Test func writtenTensorsCanBeMapped() throws {
    try withTemporaryFolder { folder in
      try SafetensorsWriter.write(sample(), to: "\(folder)/w.safetensors")
      // No copy is allowed beyond what is always free, and this is more than that.
      let large = Weights([
        "a": try Tensor([1] as [Int8], shape: [1]), "b": try .zeros(shape: [1 << 20]),
      ])
      try SafetensorsWriter.write(large, to: "\(folder)/w.safetensors")
      var limits = WeightsLimits()
      limits.copyFactor = 0
      #expect(try Weights(contentsOf: "\(folder)/w.safetensors", limits: limits).byteCount == 4 << 20 | 1)
    }
  }

  @Test func aFileIsReplacedWholeAndNothingElseIsLeft() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/w.safetensors"
      try SafetensorsWriter.write(sample(), to: path)
      // The old file stays mapped while the new one takes its place.
      let old = try Weights(contentsOf: path)
      try SafetensorsWriter.write(Weights(["x": .zeros(shape: [1])]), to: path)
      try expectSame(old, sample())
      #expect(try Weights(contentsOf: path).names == ["x"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["w.safetensors"])
    }
  }

  @Test func aFailureLeavesNothing() throws {
    try withTemporaryFolder { folder in
      let weights = try sample()
      expectError(.writeFailed, saying: "'w.safetensors'") {
        try SafetensorsWriter.write(weights, to: "\(folder)/missing/w.safetensors")
      }
      // A folder that is not empty cannot be replaced by a file: the rename fails, the last of the steps.
      try FileManager.default.createDirectory(atPath: "\(folder)/taken/in", withIntermediateDirectories: true)
      expectError(.writeFailed, saying: "renamed") { try SafetensorsWriter.write(weights, to: "\(folder)/taken") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
    }
  }

  @Test func aTensorCannotHaveTheNameOfTheMetadata() throws {
    try withTemporaryFolder { folder in
      let weights = Weights(["__metadata__": try .zeros(shape: [1])])
      expectError(.unsupported, saying: "'__metadata__'") {
        try SafetensorsWriter.write(weights, to: "\(folder)/w.safetensors")
      }
    }
  }
}

@Suite struct EvictionTests {
  @Test("what a mapped file gave back is read from the file again, and its neighbours stay")
  func evictedTensorsAreReadAgain() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("evict-\(UUID()).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let numbers = (0..<30_000).map(Float.init)
    let written = try Weights([
      "a": Tensor(numbers, shape: [30_000]), "b": Tensor(numbers.reversed(), shape: [30_000]),
    ])
    try SafetensorsWriter.write(written, to: path)
    let read = try Weights(contentsOf: path)
    for _ in 0..<2 {
      #expect(try read["a"].floats() == numbers)
      #expect(try read["b"].floats() == numbers.reversed())
      try read["a"].evict()
    }
    #expect(try read["b"].shell.shape == [30_000])
  }
}
