import CCUDA
import Foundation
import Testing
import ZooBackend
import ZooGraph
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  /// Whatever the card does, a call fails with a clear error and the process goes on.
  struct FailureTests {
    private func failure(_ body: () throws -> Void) throws -> BackendError {
      try #require(#expect(throws: BackendError.self, performing: body))
    }

    @Test("no room for intermediate results: the call fails, smaller ones go on")
    func outOfMemory() throws {
      let backend = try SoftwareDevice.backend(memory: 1 << 20)
      let executable = try backend.compile(smallNetwork(), options: CompileOptions())
      _ = try executable.run(inputs([1, 12, 10, 8]))
      let error = try failure { _ = try executable.run(inputs([8, 100, 100, 8])) }
      #expect(error.code == .outOfMemory)
      for part in ["cuda:0", "intermediate results", "of 1 MiB are free", "smaller picture or batch"] {
        #expect(error.message.contains(part), "\(error.message)")
      }
      _ = try executable.run(inputs([1, 12, 10, 8]))
    }

    @Test("no room for weights: the model does not load, and keeps nothing")
    func outOfMemoryForWeights() throws {
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend(memory: 1 << 20)
      let used = device.memoryUsed()
      let error = try failure { _ = try backend.compile(smallNetwork([1, 8, 8, 200]), options: CompileOptions()) }
      #expect(error.code == .outOfMemory)
      #expect(error.message.contains("weights"))
      #expect(device.memoryUsed() == used)
    }

    @Test("memory of shapes that are not in use goes before a call fails")
    func makesRoom() throws {
      let backend = try SoftwareDevice.backend(memory: 1 << 20)
      let executable = try backend.compile(smallNetwork(), options: CompileOptions())
      let shapes = [[1, 60, 60, 8], [1, 61, 60, 8], [1, 60, 61, 8], [1, 61, 61, 8]] as [Shape]
      for shape in shapes { _ = try executable.run(inputs(shape)) }
      #expect(executable.memory.activations < 1 << 20)
    }

    @Test(
      "idle memory of other models goes before a call or a model that loads fails, and comes back when they are called")
    func makesRoomOfOthers() throws {
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend(memory: 1 << 20)
      let large: Shape = [1, 88, 88, 8]
      let executables = try (0..<3).map { _ in
        try #require(backend.compile(smallNetwork(), .float32) as? CUDAExecutable)
      }
      let first = try executables.map { try $0.run(inputs(large))[0].floats() }
      #expect(first[0] == first[1] && first[0] == first[2])
      // There is room for one: the others gave theirs up.
      #expect(executables.map { $0.memory.activations > 0 } == [false, false, true])
      #expect(try executables[0].run(inputs(large))[0].floats() == first[0])
      #expect(executables.map { $0.memory.activations > 0 } == [true, false, false])
      // Weights of 360 KiB.
      let loaded = try backend.compile(smallNetwork([1, 4, 4, 72]), .float32)
      #expect(loaded.memory.weights > 300 << 10)
      #expect(executables[0].memory.activations == 0)
      #expect(device.memoryUsed() <= 1 << 20)
    }

    @Test("what was used last is kept for longest")
    func keepsTheLatest() throws {
      let backend = try SoftwareDevice.backend(memory: 1 << 20)
      let executables = try (0..<3).map { _ in
        try #require(backend.compile(smallNetwork(), .float32) as? CUDAExecutable)
      }
      let small: Shape = [1, 54, 54, 8]
      for executable in executables { _ = try executable.run(inputs(small)) }
      _ = try executables[0].run(inputs(small))
      let size = executables[0].memory.activations
      #expect(4 * size > 1 << 20, "the test needs a card that has no room for four")
      let fourth = try backend.compile(smallNetwork(), .float32)
      _ = try fourth.run(inputs(small))
      #expect(executables.map { $0.memory.activations } == [size, 0, size])
    }

    @Test("a kernel that fails takes the card out of use, and says so from then on")
    func kernelFault() throws {
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend()
      let executable = try backend.compile(smallNetwork(), options: CompileOptions())
      _ = try executable.run(inputs([1, 12, 10, 8]))
      device.fail("cuStreamSynchronize", with: ZOO_CU_ILLEGAL_ADDRESS)
      let first = try failure { _ = try executable.run(inputs([1, 12, 10, 8])) }
      #expect(first.code == .deviceLost)
      #expect(first.message.contains("CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)"))
      #expect(first.message.contains("the network ran"))
      let second = try failure { _ = try executable.run(inputs([1, 12, 10, 8])) }
      #expect(second.code == .unavailable)
      #expect(second.message.contains("restart the server") && second.message.contains("Xid"))
      let third = try failure { _ = try backend.compile(smallNetwork(), options: CompileOptions()) }
      #expect(third.code == .unavailable)
    }

    @Test(
      "whichever call of the driver fails, the next run is right",
      arguments: [
        "cuMemAlloc_v2", "cuMemHostAlloc", "cuStreamCreate", "cuStreamBeginCapture_v2", "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags", "cuGraphLaunch", "cuLaunchKernel", "cuMemcpyHtoDAsync_v2",
        "cuMemcpyDtoHAsync_v2",
        "cuCtxSetCurrent", "cuStreamSynchronize",
      ])
    func recovers(_ call: String) throws {
      let device = try SoftwareDevice.shared.get()
      let executable = try SoftwareDevice.backend().compile(smallNetwork(), options: CompileOptions())
      let shape: Shape = [2, 12, 10, 8]
      device.fail(call, with: ZOO_CU_INVALID_VALUE)
      let error = try failure { _ = try executable.run(inputs(shape)) }
      #expect(error.code == .internalFailure)
      #expect(error.message.contains("CUDA_ERROR_INVALID_VALUE"))
      let expected = try ReferenceBackend().compile(smallNetwork(), options: CompileOptions()).run(inputs(shape))
      let actual = try executable.run(inputs(shape))
      #expect(zip(actual[0].floats(), expected[0].floats()).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("kernels that do not compile: the compiler's words are told")
    func compilation() throws {
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend(cacheFolder: device.folder.appending(path: "fresh"))
      device.fail("nvrtcCompileProgram", with: ZOO_NVRTC_COMPILATION)
      let error = try failure { _ = try backend.compile(smallNetwork(), options: CompileOptions()) }
      #expect(error.code == .internalFailure)
      for part in ["NVRTC 13.0", "sm_90", "NVRTC_ERROR_COMPILATION", "told to fail"] {
        #expect(error.message.contains(part), "\(error.message)")
      }
    }

    @Test("inputs that do not fit are refused before the card is asked")
    func invalidInputs() throws {
      let device = try SoftwareDevice.shared.get()
      let executable = try SoftwareDevice.backend().compile(smallNetwork(), options: CompileOptions())
      let before = device.launches()
      let error = try failure { _ = try executable.run(inputs([1, 12, 10, 7])) }
      #expect(error.code == .invalidInput)
      #expect(device.launches() == before)
    }
  }
}
