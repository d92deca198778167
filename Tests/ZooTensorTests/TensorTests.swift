import Testing
import ZooTensor

@Suite struct TensorTests {
  @Test func allocationsAreAligned() throws {
    for count in [0, 1, 3, 17, 1000] {
      let tensor = try Tensor.zeros(.uint8, shape: Shape([count]))
      tensor.withUnsafeBytes { bytes in
        #expect(Int(bitPattern: bytes.baseAddress) % TensorStorage.alignment == 0)
        #expect(bytes.count == count)
        #expect(bytes.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func elementsStandInRowMajorOrder() throws {
    let tensor = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(tensor.withElements(of: Float.self) { $0[1 * 3 + 2] } == 6)
    #expect(tensor.byteCount == 24)
    #expect(tensor.description == "float32[2, 3]")
  }

  @Test func refusesAnotherNumberOfElementsThanTheShapeHas() {
    let error = #expect(throws: TensorError.self) { try Tensor([1, 2, 3] as [Float], shape: [2, 2]) }
    #expect(error?.code == .byteCountMismatch)
  }

  @Test func reshapingSharesTheMemory() throws {
    let tensor = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let reshaped = try tensor.reshaped(to: [3, 2])
    #expect(reshaped.sharesStorage(with: tensor))
    #expect(reshaped.floats() == tensor.floats())
    let error = #expect(throws: TensorError.self) { try tensor.reshaped(to: [4]) }
    #expect(error?.code == .invalidShape)
  }

  @Test func equalElementsElsewhereAreNotTheSameMemory() throws {
    let elements: [Float] = [1, 2]
    #expect(try !Tensor(elements, shape: [2]).sharesStorage(with: Tensor(elements, shape: [2])))
  }

  @Test func borrowedMemoryIsNotCopiedAndItsOwnerLivesAsLongAsTheTensors() throws {
    weak var watched: Owner?
    var tensor: Tensor?
    do {
      let owner = Owner(bytes: [1, 2, 3, 4, 5])
      watched = owner
      let storage = TensorStorage(borrowing: UnsafeRawBufferPointer(owner.bytes), owner: owner)
      let whole = try Tensor(.uint8, shape: [5], storage: storage)
      tensor = try Tensor(.uint8, shape: [3], storage: storage, byteOffset: 2)
      let address = whole.withUnsafeBytes { $0.baseAddress }
      #expect(address == UnsafeRawPointer(owner.bytes.baseAddress))
      #expect(try !whole.sharesStorage(with: #require(tensor)))
    }
    #expect(watched != nil)
    #expect(tensor?.floats() == [3, 4, 5])
    tensor = nil
    #expect(watched == nil)
  }

  @Test func elementsAtOddAddressesAreRead() throws {
    let owner = Owner(bytes: [0xFF, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
    let storage = TensorStorage(borrowing: UnsafeRawBufferPointer(owner.bytes), owner: owner)
    let tensor = try Tensor(.float32, shape: [2], storage: storage, byteOffset: 1)
    #expect(tensor.floats() == [1, 2])
    #expect(try tensor.converted(to: .int32).withElements(of: Int32.self) { Array($0) } == [1, 2])
  }

  @Test(arguments: [(-1, 1), (0, 5), (4, 1), (5, 0), (Int.max, 1)])
  func refusesAViewOutsideOfTheStorage(_ offset: Int, _ count: Int) throws {
    let owner = Owner(bytes: [1, 2, 3, 4])
    let storage = TensorStorage(borrowing: UnsafeRawBufferPointer(owner.bytes), owner: owner)
    let error = #expect(throws: TensorError.self) {
      try Tensor(.uint8, shape: Shape([count]), storage: storage, byteOffset: offset)
    }
    #expect(error?.code == .byteCountMismatch)
  }

  @Test func emptyMemoryMayBeBorrowed() throws {
    let storage = TensorStorage(borrowing: UnsafeRawBufferPointer(start: nil, count: 0), owner: Owner(bytes: []))
    #expect(try Tensor(.float32, shape: [0], storage: storage).floats() == [])
  }
}

/// Memory of its own.
private final class Owner {
  let bytes: UnsafeMutableRawBufferPointer

  init(bytes: [UInt8]) {
    self.bytes = .allocate(byteCount: bytes.count, alignment: 64)
    self.bytes.copyBytes(from: bytes)
  }

  deinit { bytes.deallocate() }
}
