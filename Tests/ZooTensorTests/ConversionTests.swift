import Testing
import ZooTensor

@Suite struct ConversionTests {
  private func bits(_ values: [Float], _ type: ElementType) throws -> [UInt16] {
    try Tensor(values, shape: Shape([values.count])).converted(to: type).withUnsafeBytes { bytes in
      (0..<values.count).map { bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self) }
    }
  }

  @Test func bfloat16RoundsTiesToEven() throws {
    let patterns: [UInt32] = [0x3F80_8000, 0x3F81_8000, 0x3F80_8001, 0x3F80_7FFF, 0xBF81_8000]
    let values = patterns.map { Float(bitPattern: $0) }
    #expect(try bits(values, .bfloat16) == [0x3F80, 0x3F82, 0x3F81, 0x3F80, 0xBF82])
  }

  @Test func bfloat16KeepsInfinitiesAndNaN() throws {
    // A NaN whose payload is only in the bits that are cut off must not become an infinity.
    let quiet = Float(bitPattern: 0x7F80_0001)
    #expect(BFloat16(quiet).bitPattern & 0x7F == 0x40)
    #expect(Float(BFloat16(quiet)).isNaN)
    #expect(try bits([.infinity, -.infinity, .greatestFiniteMagnitude], .bfloat16) == [0x7F80, 0xFF80, 0x7F80])
  }

  @Test func bfloat16KeepsDenormalsAndTheSignOfZero() throws {
    #expect(try bits([-0.0, Float(bitPattern: 0x0001_0000)], .bfloat16) == [0x8000, 0x0001])
  }

  @Test func float16RoundsTiesToEvenAndOverflowsToInfinity() throws {
    let values: [Float] = [1 + 0x1p-11, 1 + 0x3p-11, 65504, 65519.996, 65520, -65520, 0x1p-25, 0x1.8p-25]
    #expect(try bits(values, .float16) == [0x3C00, 0x3C02, 0x7BFF, 0x7BFF, 0x7C00, 0xFC00, 0x0000, 0x0001])
    #expect(try Tensor([Float.nan], shape: [1]).converted(to: .float16).floats()[0].isNaN)
  }

  @Test func everyFloat16AndBFloat16SurvivesARoundTripThroughFloat32() throws {
    for type in [ElementType.float16, .bfloat16] {
      let patterns = (0...UInt16.max).map { $0 }
      let tensor = try Tensor(type, shape: [65536]) { bytes in patterns.withUnsafeBytes { bytes.copyMemory(from: $0) } }
      let floats = tensor.floats()
      let again = try bits(floats, type)
      for (pattern, (value, result)) in zip(patterns, zip(floats, again)) where !value.isNaN {
        #expect(result == pattern)
      }
    }
  }

  @Test func integersClampAndRoundToEven() throws {
    let values: [Float] = [0.5, 1.5, 2.5, -0.5, -1.5, 300, -300, .infinity, -.infinity, .nan]
    func converted<Element: TensorElement>(_: Element.Type) throws -> [Element] {
      try Tensor(values, shape: [10]).converted(to: Element.elementType)
        .withElements(of: Element.self) { Array($0) }
    }
    #expect(try converted(UInt8.self) == [0, 2, 2, 0, 0, 255, 0, 255, 0, 0])
    #expect(try converted(Int8.self) == [0, 2, 2, 0, -2, 127, -128, 127, -128, 0])
    #expect(try converted(Int32.self) == [0, 2, 2, 0, -2, 300, -300, .max, .min, 0])
    #expect(try converted(Int64.self) == [0, 2, 2, 0, -2, 300, -300, .max, .min, 0])
  }

  @Test func integersAreRead() throws {
    #expect(try Tensor([-128, 127] as [Int8], shape: [2]).floats() == [-128, 127])
    #expect(try Tensor([0, 255] as [UInt8], shape: [2]).floats() == [0, 255])
    #expect(try Tensor([.min, .max] as [Int32], shape: [2]).floats() == [-0x1p31, 0x1p31])
    #expect(try Tensor([.min, .max] as [Int64], shape: [2]).floats() == [-0x1p63, 0x1p63])
  }

  @Test func conversionToTheSameTypeCopiesNothing() throws {
    let tensor = try Tensor([1, 2] as [Float], shape: [2])
    #expect(try tensor.converted(to: .float32).sharesStorage(with: tensor))
    #expect(try !tensor.converted(to: .float16).sharesStorage(with: tensor))
  }
}
