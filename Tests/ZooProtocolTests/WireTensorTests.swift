import Foundation
import SwiftProtobuf
import Testing
import ZooProtocol
import ZooTensor

struct WireTensorTests {
  private func error(_ tensor: WireTensor) -> ZooError? {
    #expect(throws: ZooError.self) { try tensor.tensor(field: "inputs.photo.tensor") }
  }

  private func wire(_ type: WireElementType, _ shape: [Int64], bytes: Int) -> WireTensor {
    .with {
      $0.elementType = type
      $0.shape = shape
      $0.data = Data(repeating: 1, count: bytes)
    }
  }

  @Test func elementTypesHaveTheNumbersOfTheProtocol() {
    for type in ElementType.allCases {
      #expect(WireElementType(type).rawValue == type.rawValue)
      #expect(ElementType(WireElementType(type)) == type)
      #expect("\(WireElementType(type))".lowercased().contains("\(type)"))
    }
    #expect(Set(WireElementType.allCases) == Set(ElementType.allCases.map { WireElementType($0) } + [.unspecified]))
  }

  @Test(arguments: ElementType.allCases, [[2, 3], [], [1], [0, 4], [1, 1, 1, 1, 1, 1, 1, 5]] as [Shape])
  func aTensorComesBackBitForBit(type: ElementType, shape: Shape) throws {
    var next: UInt8 = 0
    let tensor = try Tensor(type, shape: shape) { bytes in
      for index in bytes.indices {
        bytes[index] = next
        next &+= 37
      }
    }
    let encoded: [UInt8] = try WireTensor(tensor).serializedBytes()
    let back = try WireTensor(serializedBytes: encoded).tensor(field: "tensor")
    #expect(back.elementType == type)
    #expect(back.shape == shape)
    #expect(back.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
  }

  @Test func elementsTravelRowByRowAndLittleEndian() throws {
    let tensor = WireTensor(try Tensor([1, -2] as [Int32], shape: [2]))
    #expect(tensor.elementType == .int32)
    #expect(tensor.shape == [2])
    #expect(Array(tensor.data) == [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF])
  }

  @Test func aTensorIsAlignedWhereverItsBytesLayInTheFrame() throws {
    let data = Data([9, 9, 9] + [0, 0, 128, 63])
    let tensor = WireTensor.with {
      $0.elementType = .float32
      $0.shape = [1]
      $0.data = data[3...]
    }
    #expect(try tensor.tensor(field: "t").withElements(of: Float.self) { Array($0) } == [1])
  }

  @Test(arguments: [WireElementType.unspecified, .UNRECOGNIZED(8), .UNRECOGNIZED(-1), .UNRECOGNIZED(.max)])
  func anUnknownElementTypeIsRefused(type: WireElementType) {
    let error = error(wire(type, [1], bytes: 4))
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("inputs.photo.tensor.element_type is \(type.rawValue)") == true)
  }

  @Test(
    arguments: [
      ("a negative extent", [-1]), ("a negative extent among others", [2, -3, 0]), ("the least extent", [.min]),
      ("two negative extents whose product is right", [-2, -2]),
      ("a product over 2^63", [1 << 32, 1 << 32]), ("a product of bytes over 2^63", [1 << 62]),
      ("a product that wraps around to 4", [(1 << 62) + 1, 4]), ("the largest extent twice", [.max, .max]),
      ("an overflow hidden behind a zero", [.max, .max, 0]),
      ("nine dimensions", [Int64](repeating: 1, count: 9)), ("many dimensions", [Int64](repeating: 1, count: 10_000)),
    ] as [(String, [Int64])])
  func anImpossibleShapeIsRefused(what: String, shape: [Int64]) {
    let error = error(wire(.float32, shape, bytes: 16))
    #expect(error?.code == .invalidArgument, "\(what)")
    #expect(error?.message.hasPrefix("inputs.photo.tensor.shape: ") == true, "\(what)")
    #expect((error?.message.utf8.count ?? .max) < 1000, "\(what)")
  }

  @Test(
    arguments: [
      (.float32, [2, 3], 23), (.float32, [2, 3], 25), (.float32, [2, 3], 0), (.float32, [2, 3], 6), (.uint8, [], 0),
      (.uint8, [0], 1), (.int64, [1 << 40], 8), (.bfloat16, [3], 12),
    ] as [(WireElementType, [Int64], Int)])
  func theWrongNumberOfBytesIsRefusedBeforeAnythingIsAllocated(type: WireElementType, shape: [Int64], bytes: Int) {
    let error = error(wire(type, shape, bytes: bytes))
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.hasPrefix("inputs.photo.tensor.data has \(bytes) bytes") == true)
  }
}
