import Foundation
import Testing
import ZooTensor
import ZooWeights

@Suite struct ConversionTests {
  @Test(arguments: Fixture.cases, Fixture.layouts)
  func aCheckpointBecomesSafetensors(name: String, layout: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/w.safetensors"
      let written = try Weights.convert(from: Fixture.path("\(name).\(layout).pth"), to: path)
      let expected = try Weights(contentsOf: Fixture.path("\(name).safetensors"))
      try expectSame(written, expected)
      try expectSame(Weights(contentsOf: path), expected)
    }
  }

  @Test(arguments: [ElementType.float32, .float16, .bfloat16])
  func onlyFloatsChangeTheirType(elementType: ElementType) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/w.safetensors"
      let source = try Weights(contentsOf: Fixture.path("element-types.safetensors"))
      try Weights.convert(from: Fixture.path("element-types.zip.pth"), to: path, elementType: elementType)
      let converted = try Weights(contentsOf: path)
      #expect(converted.names == source.names)
      for name in source.names {
        let (before, after) = (try source[name], try converted[name])
        if before.elementType.isFloatingPoint {
          #expect(after.elementType == elementType, "\(name)")
          #expect(try after.floats() == before.converted(to: elementType).floats(), "\(name)")
        } else {
          #expect(after.elementType == before.elementType, "\(name)")
        }
      }
    }
  }

  @Test func aNumberOutOfRangeIsNamedAndNothingIsWritten() throws {
    try withTemporaryFolder { folder in
      let (source, target) = ("\(folder)/source.safetensors", "\(folder)/target.safetensors")
      // 65519 still rounds to the largest float16, 65520 to infinity.
      let tensor = try Tensor([.infinity, 65519, -65520] as [Float], shape: [1, 3])
      try SafetensorsWriter.write(Weights(["w": tensor]), to: source)
      let error = expectError(.notRepresentable, saying: "'w' holds -65520.0 at [0, 2]") {
        try Weights.convert(from: source, to: target, elementType: .float16)
      }
      #expect(error?.message.contains("'source.safetensors'") == true)
      #expect(error?.message.contains("bfloat16") == true)
      #expect(!FileManager.default.fileExists(atPath: target))
      let converted = try Weights.convert(from: source, to: target, elementType: .bfloat16)
      #expect(try converted["w"].floats() == [.infinity, 65536, -65536])
    }
  }

  @Test func weightsDoNotBecomeIntegers() throws {
    let weights = try Weights(contentsOf: Fixture.path("module.safetensors"))
    expectError(.unsupported, saying: "int8") { try weights.converted(to: .int8) }
  }

  @Test func metadataIsKept() throws {
    let weights = Weights(["w": try .zeros(shape: [1])], metadata: ["license": "MIT"])
    #expect(try weights.converted(to: .float16).metadata == ["license": "MIT"])
  }

  @Test func aFileMayBeConvertedInPlace() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/w"
      try write(Fixture.bytes("module.zip.pth"), to: path)
      try Weights.convert(from: path, to: path)
      try expectSame(Weights(contentsOf: path), Weights(contentsOf: Fixture.path("module.safetensors")))
    }
  }
}
