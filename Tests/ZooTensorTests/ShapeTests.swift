import Testing
import ZooTensor

@Suite struct ShapeTests {
  @Test func countsElements() throws {
    #expect(try Shape([2, 3, 4]).elementCount == 24)
    #expect(try Shape([]).elementCount == 1)
    #expect(try Shape([3, 0, 5]).elementCount == 0)
  }

  @Test func refusesAProductThatOverflows() {
    let error = #expect(throws: TensorError.self) { try Shape([Int.max, 2]) }
    #expect(error?.code == .tooLarge)
    #expect(throws: TensorError.self) { try Shape([1 << 32, 1 << 31]) }
  }

  @Test func refusesANegativeExtentAndNamesIt() {
    let error = #expect(throws: TensorError.self) { try Shape([2, -3]) }
    #expect(error?.code == .invalidShape)
    #expect(error?.message.contains("-3") == true)
  }

  @Test func refusesARankOverTheMaximum() throws {
    #expect(try Shape(Array(repeating: 1, count: Shape.maximumRank)).rank == Shape.maximumRank)
    #expect(throws: TensorError.self) { try Shape(Array(repeating: 1, count: Shape.maximumRank + 1)) }
  }

  @Test func refusesAByteCountThatOverflows() throws {
    let shape = try Shape([Int.max / 2])
    #expect(try shape.byteCount(of: .int8) == Int.max / 2)
    let error = #expect(throws: TensorError.self) { try shape.byteCount(of: .float32) }
    #expect(error?.code == .tooLarge)
  }
}
