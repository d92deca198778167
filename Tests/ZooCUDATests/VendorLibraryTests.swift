import Foundation
import Testing
import ZooBackend
import ZooGraph
import ZooLibraries
import ZooOpParity
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  /// cuBLASLt and cuDNN: that they are asked for the right thing, chosen where they are faster, and do no harm.
  struct VendorLibraryTests {
    /// Where choices and plans are kept; compiled kernels come from where all tests have them.
    private let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-vendor-\(UUID().uuidString)")
    private let shape: Shape = [1, 12, 10, 32]

    init() throws {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for file in try files(of: "kernels", in: SoftwareDevice.shared.get().cacheFolder) {
        try FileManager.default.copyItem(at: file, to: folder.appending(path: file.lastPathComponent))
      }
    }

    private func files(of kind: String, in folder: URL) throws -> [URL] {
      guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
      return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == kind }.sorted { $0.path < $1.path }
    }

    /// Convolutions with zeros and with reflected pixels around them, one of one tap, and a linear layer.
    private func network() throws -> Graph {
      let builder = GraphBuilder()
      var numbers = SeededNumbers(seed: "vendor")
      let x = try builder.input("x", shape: shape)
      func convolution(_ name: String, _ size: Int, _ options: Convolution) throws -> Conv2D {
        try Conv2D(name, filter: numbers.tensor([32, 32, size, size]), bias: numbers.tensor([32]), options)
      }
      let zeros = try convolution("zeros", 3, Convolution(padding: .explicit(Insets(1))))(x).relu()
      let reflected = try convolution(
        "reflected", 3, Convolution(padding: .explicit(Insets(1)), paddingMode: .reflect))(zeros)
      let strided = try convolution(
        "strided", 3, Convolution(stride: Extent(2), padding: .explicit(Insets(1))))(zeros + reflected)
      let pointwise = try convolution("pointwise", 1, Convolution())(strided)
      let sum = try (strided + pointwise).relu()
      let linear = try Linear("linear", weight: numbers.tensor([10, 32]), bias: numbers.tensor([10]))
      return builder.graph(outputs: [("y", try linear(sum.globalAveragePooled().flattened()))])
    }

    private struct Run {
      /// By layer.
      var algorithms: [String: String]
      var result: [Float]
    }

    /// Loads the network and runs it.
    private func run(
      _ backend: CUDABackend, _ precision: Precision = .bfloat16
    ) throws -> Run {
      let options = CompileOptions(plannedShapes: [[shape]], precision: precision)
      let executable = try #require(backend.compile(network(), options: options) as? CUDAExecutable)
      let steps = try executable.profile(inputs(shape)).map { ($0.name, $0.algorithm) }
      return Run(
        algorithms: Dictionary(steps) { first, _ in first }, result: try executable.run(inputs(shape))[0].floats())
    }

    private func backend(vendors: Bool = true, in folder: URL? = nil) throws -> CUDABackend {
      try SoftwareDevice.backend(usesVendorLibraries: vendors, cacheFolder: folder ?? self.folder)
    }

    /// As if no network had been loaded yet.
    private func forget() throws {
      for file in try ["choices", "plan"].flatMap({ try files(of: $0, in: folder) }) {
        try FileManager.default.removeItem(at: file)
      }
    }

    private func removeFolder() { try? FileManager.default.removeItem(at: folder) }

    @Test(
      "every operation gives what the reference does where the libraries compute what they can",
      arguments: ["bfloat16", "float16", "float32", "tf32"])
    func parity(_ name: String) throws {
      let (precision, bound): (Precision, ParityBound) =
        switch name {
        case "bfloat16": (.bfloat16, .bfloat16)
        case "float16": (.float16, .float16)
        case "float32": (.float32, .float32)
        default: (.float32, .tf32)
        }
      let device = try SoftwareDevice.shared.get()
      let backend = try SoftwareDevice.backend(allowsTF32: name == "tf32", usesVendorLibraries: true)
      let rows = try ParityTable.cases().filter { row in
        (row.name.contains("convolution") || row.name.contains("linear"))
          && !bound.excluded.contains { row.name.hasPrefix($0) }
      }
      #expect(rows.count > 60)
      var byLibraries = 0
      for row in rows {
        let before = device.libraryCalls()
        let result = row.check(
          backend, tolerance: bound.tolerance, options: CompileOptions(precision: precision), plansShapes: true)
        #expect(result.isWithinTolerance, "\(result)")
        byLibraries += device.libraryCalls() > before ? 1 : 0
      }
      #expect(byLibraries > 20, "\(byLibraries) of \(rows.count)")
    }

    @Test("they are taken where they are faster, with what is around and behind a layer", arguments: Precision.ofGPUs)
    func chosen(_ precision: Precision) throws {
      defer { removeFolder() }
      let device = try SoftwareDevice.shared.get()
      let own = try run(backend(vendors: false), precision)
      #expect(device.libraryCalls() == 0)
      #expect(own.algorithms.values.allSatisfy { !$0.contains("cu") })
      let run = try run(backend(), precision)
      #expect(run.algorithms["zeros"]?.hasPrefix("cuDNN") == true, "\(run.algorithms)")
      // The sum of two convolutions is a part of the second.
      let fused = run.algorithms.values.filter { $0.hasPrefix("pad, cuDNN") }
      #expect(fused.count == 1, "\(run.algorithms)")
      #expect(run.algorithms["linear"]?.hasPrefix("cuBLASLt") == true)
      #expect(run.algorithms.values.contains { $0.hasPrefix("cuBLASLt") })
      #expect(device.libraryCalls() > 0)
      let error = normalizedError(run.result, own.result.map(Double.init))
      #expect(error < (precision == .float32 ? 1e-6 : 2e-2), "\(error)")
    }

    @Test("libraries that are wrong are not taken, however fast")
    func wrong() throws {
      defer { removeFolder() }
      let own = try run(backend(vendors: false))
      let broken = try backend()
      try SoftwareDevice.shared.get().breakLibraries()
      let run = try run(broken)
      #expect(run.algorithms == own.algorithms)
      #expect(run.result == own.result)
    }

    @Test("what was chosen is held against our own kernels again when it is loaded again")
    func wrongLater() throws {
      defer { removeFolder() }
      let own = try run(backend(vendors: false))
      #expect(try run(backend()).algorithms != own.algorithms)
      let broken = try backend()
      try SoftwareDevice.shared.get().breakLibraries()
      #expect(try run(broken).result == own.result)
    }

    @Test("a library that cannot do now what it was chosen for is asked again the next time")
    func failsOnce() throws {
      defer { removeFolder() }
      let chosen = try run(backend()).algorithms
      for isKnown in [true, false] {
        for (call, status) in [
          ("cudnnBackendExecute", 4004), ("cublasLtMatmul", 3), ("cudnnBackendFinalize", 4004),
          ("cublasLtMatmulDescCreate", 3),
        ] {
          if !isKnown { try forget() }
          let backend = try backend()
          let device = try SoftwareDevice.shared.get()
          device.fail(call, with: status)
          #expect(try run(backend).algorithms != chosen, "\(call)")
          #expect(device.hasFailed)
          #expect(try run(self.backend()).algorithms == chosen, "\(call)")
        }
      }
    }

    @Test("an engine that fails for good is left alone from then on")
    func failsForGood() throws {
      defer { removeFolder() }
      let chosen = try run(backend()).algorithms
      try forget()
      let failing = try backend()
      let device = try SoftwareDevice.shared.get()
      device.fail("cudnnBackendExecute", with: 5000)
      let without = try run(failing)
      #expect(without.algorithms != chosen)
      #expect(try run(backend()).algorithms == without.algorithms)
    }

    @Test("choices for float32 and for TF32 are apart")
    func roundingIsApart() throws {
      defer { removeFolder() }
      func run(tf32: Bool) throws -> [Float] {
        let backend = try SoftwareDevice.backend(allowsTF32: tf32, usesVendorLibraries: true, cacheFolder: folder)
        return try self.run(backend, .float32).result
      }
      let exact = try run(tf32: false)
      #expect(try run(tf32: true) != exact)
      #expect(try run(tf32: false) == exact)
      #expect(try files(of: "choices", in: folder).count == 2)
    }

    @Test("a card that is lost under a library's call is lost, and a library without room has none")
    func lostCard() throws {
      defer { removeFolder() }
      func failure(_ call: String, _ status: Int) throws -> BackendError? {
        let executable = try #require(
          backend().compile(network(), options: CompileOptions(plannedShapes: [[shape]], precision: .bfloat16))
            as? CUDAExecutable)
        try SoftwareDevice.shared.get().fail(call, with: status)
        return #expect(throws: BackendError.self) { _ = try executable.profile(inputs(shape)) }
      }
      #expect(try failure("cudnnBackendExecute", 4004)?.code == .outOfMemory)
      #expect(try failure("cublasLtMatmul", 3)?.code == .outOfMemory)
      // As the driver tells every call from then on.
      #expect(try failure("cudnnBackendExecute", 719)?.code == .deviceLost)
    }

    @Test("what was chosen is known to the next process, plans and all, and a damaged plan is made anew")
    func kept() throws {
      defer { removeFolder() }
      let first = try run(backend())
      let plans = try files(of: "plan", in: folder)
      #expect(plans.count == 3)
      let device = try SoftwareDevice.shared.get()
      let again = try backend()
      let before = device.libraryCalls()
      let second = try run(again)
      #expect(second.algorithms == first.algorithms && second.result == first.result)
      // Nothing is timed: in five layers they run twice to be held against a kernel, are profiled, and run.
      #expect(device.libraryCalls() - before == 5 * 4)
      let cache = KernelCache(folder: folder)
      for file in plans { try cache.write(Array("no plan".utf8), to: file) }
      let third = try run(backend())
      #expect(third.algorithms == first.algorithms && third.result == first.result)
      #expect(try files(of: "plan", in: folder).allSatisfy { cache.read($0) != Array("no plan".utf8) })
    }

    @Test(
      "whichever call of a library fails, the network loads and is right",
      arguments: [
        ("cublasLtMatmul", 13), ("cublasLtMatmulAlgoGetHeuristic", 15), ("cublasLtMatmulDescCreate", 3),
        ("cublasLtMatrixLayoutCreate", 3), ("cudnnBackendExecute", 5000), ("cudnnBackendFinalize", 3000),
        ("cudnnBackendCreateDescriptor", 4003), ("cudnnBackendGetAttribute", 2000), ("cudnnSetStream", 2000),
      ])
    func failures(_ call: String, _ status: Int) throws {
      defer { removeFolder() }
      let own = try run(backend(vendors: false))
      // Of the calls that describe there are many, and those that compute would fail when the network runs.
      let describes = call.hasPrefix("cudnnBackend") && call != "cudnnBackendExecute"
      for count in [0, 1] + (describes ? [3, 17] : []) {
        try forget()
        let backend = try backend()
        try SoftwareDevice.shared.get().fail(call, with: status, after: count)
        let error = normalizedError(try run(backend).result, own.result.map(Double.init))
        #expect(error < 2e-2, "\(call) after \(count): \(error)")
        if count < 2 { #expect(try SoftwareDevice.shared.get().hasFailed) }
      }
    }

    @Test("a library that fails under a request fails that request, and not the next")
    func failingCall() throws {
      defer { removeFolder() }
      let executable = try backend().compile(
        network(), options: CompileOptions(plannedShapes: [[shape]], precision: .bfloat16))
      let expected = try executable.run(inputs(shape))[0].floats()
      let device = try SoftwareDevice.shared.get()
      let profile = try #require(executable as? CUDAExecutable)
      device.fail("cudnnBackendExecute", with: 5000)
      let error = #expect(throws: BackendError.self) { _ = try profile.profile(inputs(shape)) }
      #expect(error?.code == .internalFailure && error?.message.contains("cuDNN failed on cuda:0") == true)
      #expect(try executable.run(inputs(shape))[0].floats() == expected)
    }

    @Test("one that is missing, or does not start, is told, and everything is computed without it")
    func missing() throws {
      defer { removeFolder() }
      let device = try SoftwareDevice.shared.get()
      device.reset()
      for library in ["libcuda.so.1", "libnvrtc.so.13"] {
        try FileManager.default.createSymbolicLink(
          at: folder.appending(path: library), withDestinationURL: device.folder.appending(path: library))
      }
      let finder = LibraryFinder(configured: [folder.path], asksLoader: false, folders: [])
      let lacking = try CUDABackend(finder: finder, usesVendorLibraries: true, cacheFolder: device.cacheFolder)
      #expect(lacking.missingVendorLibraries.map(\.code) == [.unavailable, .unavailable])
      for (error, parts) in zip(
        lacking.missingVendorLibraries,
        [["cuBLASLt", "libcublasLt.so.13", "nvidia-cublas"], ["cuDNN", "libcudnn.so.9", "nvidia-cudnn-cu13"]])
      {
        for part in parts + [folder.path] { #expect(error.message.contains(part)) }
      }
      #expect(try run(lacking).algorithms.values.allSatisfy { !$0.contains("cu") })

      device.reset()
      device.fail("cudnnCreate", with: 1001)
      let half = try CUDABackend(finder: device.finder, usesVendorLibraries: true, cacheFolder: device.cacheFolder)
      #expect(half.missingVendorLibraries.map { $0.message.contains("does not start") } == [true])
      let algorithms = try run(half).algorithms.values
      #expect(algorithms.contains { $0.contains("cuBLASLt") } && !algorithms.contains { $0.contains("cuDNN") })
    }

    @Test("where libraries are is said, and of what use they are")
    func explanations() throws {
      let device = try SoftwareDevice.shared.get()
      device.reset()
      let found = CUDALibraries.explanations(finder: device.finder)
      #expect(found.count == 4)
      for (text, name) in zip(found, ["The CUDA driver", "NVRTC", "cuBLASLt", "cuDNN"]) {
        #expect(text.hasPrefix("\(name): \(device.folder.path)/"))
      }
      let none = CUDALibraries.explanations(
        finder: LibraryFinder(configured: [folder.path], asksLoader: false, folders: []))
      #expect(none.count == 1 && none[0].contains("Install NVIDIA's driver"))
      #expect(!CUDALibraries.cuBLASLt(for: 12040).files.contains("libcublasLt.so.13"))
      #expect(CUDALibraries.cuDNN(for: 12040).remedy.contains("nvidia-cudnn-cu12"))
    }

    @Test("several calls at once")
    func concurrent() async throws {
      defer { removeFolder() }
      let executable = try backend().compile(
        network(), options: CompileOptions(concurrentCalls: 3, plannedShapes: [[shape]], precision: .bfloat16))
      let items = try (0..<3).map { try inputs(shape, seed: "\($0)") }
      let expected = try items.map { try executable.run($0)[0].floats() }
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for turn in 0..<12 {
          group.addTask { try executable.run(items[turn % 3])[0].floats() == expected[turn % 3] }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }
  }
}
