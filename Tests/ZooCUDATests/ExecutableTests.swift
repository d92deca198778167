import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  struct ExecutableTests {
    @Test(
      "an item of a batch gets the same bits as alone, whatever tiles the batch makes the planner choose",
      arguments: Precision.ofGPUs)
    func batchInvariance(_ precision: Precision) throws {
      let backend = try SoftwareDevice.backend()
      for channels in [8, 5, 72] {
        let item: Shape = [1, 12, 10, channels]
        let executable = try backend.compile(smallNetwork(item), precision)
        let batch = try inputs([6, 12, 10, channels])[0]
        let together = try executable.run([batch])[0].floats()
        for index in 0..<6 {
          let range = index * item.elementCount..<(index + 1) * item.elementCount
          let alone = try executable.run([Tensor(Array(batch.floats()[range]), shape: item)])[0].floats()
          #expect(alone == Array(together[range]))
        }
      }
    }

    @Test("several calls at once, of several shapes, get what they get alone")
    func concurrency() async throws {
      let backend = try SoftwareDevice.backend()
      let executable = try backend.compile(smallNetwork(), options: CompileOptions())
      let shapes = [[1, 12, 10, 8], [2, 9, 7, 8], [1, 5, 4, 8]] as [Shape]
      let alone = try shapes.map { try executable.run(inputs($0))[0].floats() }
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<24 {
          group.addTask {
            try executable.run(inputs(shapes[index % 3]))[0].floats() == alone[index % 3]
          }
        }
        for try await isEqual in group { #expect(isEqual) }
      }
    }

    @Test("what executables and calls took of the card's memory is given back")
    func memoryIsGivenBack() throws {
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend()
      let before = device.memoryUsed()
      do {
        let executable = try backend.compile(
          smallNetwork(), options: CompileOptions(plannedShapes: [[[1, 12, 10, 8]]]))
        #expect(executable.memory.activations > 0 && executable.memory.weights > 0)
        #expect(device.memoryUsed() >= before + executable.memory.activations + executable.memory.weights)
        for height in 5..<20 { _ = try executable.run(inputs([1, height, 6, 8])) }
        // No more plans, and their memory, than are kept.
        #expect(executable.memory.activations <= CUDAExecutable.maximumPlanCount * 64 << 10)
      }
      #expect(device.memoryUsed() == before)
    }

    @Test("a second call of a shape starts what was captured, and allocates nothing")
    func captured() throws {
      let device = try SoftwareDevice.shared.get()
      let executable = try SoftwareDevice.backend().compile(smallNetwork(), options: CompileOptions())
      let first = try executable.run(inputs([1, 12, 10, 8]))
      let used = device.memoryUsed()
      // Neither is called again.
      for call in ["cuLaunchKernel", "cuMemAlloc_v2"] {
        device.fail(call, with: 1)
        let second = try executable.run(inputs([1, 12, 10, 8]))
        device.reset()
        #expect(first[0].floats() == second[0].floats())
      }
      #expect(device.memoryUsed() == used)
    }

    @Test("a profile names every step, with its algorithm and costs")
    func profile() throws {
      let executable = try #require(SoftwareDevice.backend().compile(smallNetwork(), .bfloat16) as? CUDAExecutable)
      let steps = try executable.profile(inputs([1, 12, 10, 8]))
      #expect(
        steps.map(\.algorithm) == [
          "convert", "tensor cores 64×64", "instance norm", "tensor cores 64×64", "instance norm", "convert",
        ])
      #expect(steps.map(\.name).contains("first") && steps.map(\.name).contains("add"))
      #expect(steps.allSatisfy { $0.seconds > 0 && $0.bytes > 0 && $0.operations > 0 })
      #expect(steps[1].operations == 2 * 12 * 10 * 8 * 8 * 9)
    }

    @Test("an answer that is an input or a constant, or the same as another")
    func plainAnswers() throws {
      for precision in Precision.ofGPUs {
        let builder = GraphBuilder()
        let x = try builder.input("x", shape: [1, 3])
        let constant = try builder.constant(Tensor([4, 5] as [Float], shape: [2]), name: "c")
        let doubled = try x + x
        let graph = builder.graph(outputs: [
          ("x", x), ("c", constant), ("y", doubled), ("again", doubled), ("flat", try doubled.reshaped(to: [3])),
        ])
        let results = try SoftwareDevice.backend().compile(graph, precision).run([
          Tensor([1, 2, 3] as [Float], shape: [1, 3])
        ])
        #expect(results.map { $0.floats() } == [[1, 2, 3], [4, 5], [2, 4, 6], [2, 4, 6], [2, 4, 6]])
        #expect(results[4].shape == [3])
      }
    }
  }
}
