import Foundation
import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  /// Which of several kernels is taken, and that it shows in nothing but time.
  struct KernelChoiceTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-choices-\(UUID().uuidString)")

    private func choices() -> KernelChoices { KernelChoices(cache: KernelCache(folder: folder), identity: ["card"]) }

    private let kernels = [Kernel.convolution8x4, .convolution4x4, .convolution2x2]
    private let names = ["slow", "fast", "middling"]

    @Test("the fastest is found once, kept on disk, and known without another trial")
    func found() {
      defer { try? FileManager.default.removeItem(at: folder) }
      var tried: [Int] = []
      func best(_ choices: KernelChoices, _ work: String) -> Int {
        choices.best(of: names, for: work) { index in
          tried.append(index)
          return [3, 1, 2][index]
        }
      }
      let first = choices()
      #expect(first.known(for: "a") == nil)
      #expect(best(first, "a") == 1)
      #expect(best(first, "a") == 1)
      #expect(first.known(for: "a") == "fast")
      #expect(tried == [0, 1, 2])
      first.save()
      #expect(best(choices(), "a") == 1)
      #expect(tried.count == 3)
      // Without a trial other work gets the first.
      #expect(choices().best(of: names, for: "b", seconds: nil) == 0)
      // What is kept for another card is not asked.
      let other = KernelChoices(cache: KernelCache(folder: folder), identity: ["another card"])
      #expect(other.best(of: names, for: "a", seconds: nil) == 0)
    }

    @Test("where no time can be taken, or none is clearly better, it is the first")
    func undecided() {
      #expect(choices().best(of: names, for: "a") { _ in nil } == 0)
      #expect(choices().best(of: names, for: "a") { $0 == 2 ? nil : 1 } == 0)
      #expect(choices().best(of: names, for: "a") { $0 == 2 ? 0.99 : 1 } == 0)
    }

    @Test("a choice that is kept decides which kernel runs, and no bit of the result", arguments: Precision.ofGPUs)
    func sameBits(_ precision: Precision) throws {
      defer { try? FileManager.default.removeItem(at: folder) }
      let shape: Shape = [1, 14, 10, 8]
      // More windows and outputs than the smaller tiles have.
      let builder = GraphBuilder()
      var numbers = SeededNumbers(seed: "convolution")
      let convolution = try Conv2D("convolution", filter: numbers.tensor([72, 8, 3, 3]), bias: numbers.tensor([72]))
      let graph = builder.graph(outputs: [("y", try convolution(builder.input("x", shape: shape)))])
      /// The algorithms of a network that is loaded with what the folder knows, and its result.
      func run() throws -> (algorithms: Set<String>, result: [UInt32]) {
        let backend = try SoftwareDevice.backend(cacheFolder: folder)
        let options = CompileOptions(plannedShapes: [[shape]], precision: precision)
        let executable = try #require(backend.compile(graph, options: options) as? CUDAExecutable)
        let algorithms = try executable.profile(inputs(shape)).map(\.algorithm)
        let result = try executable.run(inputs(shape))[0].floats().map(\.bitPattern)
        return (Set(algorithms.filter { $0.contains("×") }), result)
      }
      let first = try run()
      let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      let file = try #require(files.first { $0.pathExtension == "choices" })
      let cache = KernelCache(folder: folder)
      let known = try JSONDecoder().decode([String: String].self, from: Data(try #require(cache.read(file))))
      #expect(known.count == 1)
      let candidates =
        precision == .float32
        ? kernels
        : [.tensorConvolution128, .tensorConvolution128x64, .tensorConvolution64x128, .tensorConvolution64]
      var seen: Set<Set<String>> = []
      for kernel in candidates {
        try cache.write(Array(JSONEncoder().encode(known.mapValues { _ in kernel.rawValue })), to: file)
        let (algorithms, result) = try run()
        #expect(algorithms.count == 1)
        seen.insert(algorithms)
        #expect(result == first.result)
      }
      #expect(seen.count == candidates.count)
      for bad in ["{\"\(known.keys.first ?? "")\": \"zoo_softmax\"}", "no JSON"] {
        try cache.write(Array(bad.utf8), to: file)
        #expect(try run().result == first.result)
      }
    }

    @Test("where the card has no room for a trial, the network loads all the same")
    func noRoom() throws {
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend()
      // Weights are copied first: their allocations do not fail.
      device.fail("cuEventCreate", with: 1)
      let executable = try backend.compile(smallNetwork(), options: CompileOptions(plannedShapes: [[[1, 12, 10, 8]]]))
      #expect(try executable.run(inputs([1, 12, 10, 8]))[0].floats().allSatisfy { $0.isFinite })
    }
  }
}
