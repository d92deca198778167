import CCUDA
import Testing
import ZooBackend
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  /// Cards beside each other. The software device refuses whatever of one is used in the context of another.
  struct SeveralCardsTests {
    private func backends(_ ordinals: [Int]? = nil) throws -> [any Backend] {
      let device = try SoftwareDevice.shared.get()
      device.reset(devices: 3)
      return CUDABackend.all(ordinals, finder: device.finder, cacheFolder: device.cacheFolder)
    }

    private func result(_ executable: any Executable) throws -> [Float] {
      try executable.run(inputs([1, 12, 10, 8]))[0].floats()
    }

    @Test("every card has a backend, with a name and a UUID of its own")
    func all() throws {
      let backends = try backends()
      #expect(backends.map(\.name) == ["cuda:0", "cuda:1", "cuda:2"])
      #expect(backends.allSatisfy { $0.kind == "cuda" })
      #expect((backends[2] as? CUDABackend)?.device.uuid == "GPU-00112233-4455-6677-8899-aabbccddee02")
    }

    @Test("of a list those that are not there are told, and the others serve")
    func list() throws {
      let backends = try backends([7, 1])
      #expect(backends.map(\.name) == ["cuda:7", "cuda:1"])
      let error = #expect(throws: BackendError.self) { try backends[0].compile(smallNetwork(), .float32) }
      #expect(error?.message.contains("this machine has 3") == true)
      _ = try result(backends[1].compile(smallNetwork(), .float32))
    }

    @Test("networks on several cards, called in turn and at once, compute the same, each in memory of its own card")
    func together() async throws {
      let device = try SoftwareDevice.shared.get()
      let backends = try backends()
      let before = (0..<3).map { device.memoryUsed(on: $0) }
      let free = try #require(backends[1].freeMemory)
      do {
        let executables = try backends.map { try $0.compile(smallNetwork(), .float32) }
        let expected = try result(executables[0])
        for _ in 0..<2 { for executable in executables { #expect(try result(executable) == expected) } }
        try await withThrowingTaskGroup(of: [Float].self) { group in
          for index in 0..<24 { group.addTask { try result(executables[index % 3]) } }
          for try await result in group { #expect(result == expected) }
        }
        #expect(try #require(backends[1].freeMemory) < free)
        for (card, executable) in executables.enumerated() {
          let used = executable.memory.weights + executable.memory.activations
          #expect(device.memoryUsed(on: card) - before[card] >= used)
        }
      }
      #expect((0..<3).map { device.memoryUsed(on: $0) } == before)
    }

    @Test("a card that is lost is out of use alone")
    func lost() throws {
      let device = try SoftwareDevice.shared.get()
      let backends = try backends()
      let executables = try backends.map { try $0.compile(smallNetwork(), .float32) }
      let expected = try result(executables[0])
      device.fail("cuStreamSynchronize", with: ZOO_CU_ILLEGAL_ADDRESS)
      let first = #expect(throws: BackendError.self) { try result(executables[1]) }
      #expect(first?.message.contains("cuda:1 failed") == true)
      let second = #expect(throws: BackendError.self) { try result(executables[1]) }
      #expect(second?.code == .unavailable)
      #expect(backends[1].freeMemory == nil)
      #expect(try result(executables[0]) == expected)
      #expect(try result(executables[2]) == expected)
    }
  }
}
