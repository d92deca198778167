import Testing
import ZooBackend
import ZooGraph
import ZooOpParity
import ZooSoftwareDevice
import ZooTensor

@testable import ZooCUDA

extension CUDATests {
  /// Every operation of the table, by the kernels' own text, against the Float64 reference.
  struct OpParityTests {
    private func expectParity(
      of backend: any Backend, in precision: Precision = .float32, within bound: ParityBound,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let results = try checkParity(of: backend, within: bound, options: CompileOptions(precision: precision))
      #expect(results.count > 300)
      for result in results { #expect(result.isWithinTolerance, "\(result)", sourceLocation: sourceLocation) }
    }

    @Test("float32 on the ordinary cores")
    func float32() throws {
      try expectParity(of: SoftwareDevice.backend(), within: .float32)
    }

    @Test("float32 rounded to TF32 on tensor cores")
    func tf32() throws {
      try expectParity(of: SoftwareDevice.backend(allowsTF32: true), within: .tf32)
    }

    @Test("bfloat16")
    func bfloat16() throws {
      try expectParity(of: SoftwareDevice.backend(), in: .bfloat16, within: .bfloat16)
    }

    @Test("float16")
    func float16() throws {
      try expectParity(of: SoftwareDevice.backend(), in: .float16, within: .float16)
    }

    @Test("a card without tensor cores computes in float32 alone")
    func oldCard() throws {
      let backend = try SoftwareDevice.backend(capability: 75)
      let row = try #require(try ParityTable.cases().first { $0.name.contains("3×3 padded") })
      let result = row.check(backend, tolerance: 1e-5)
      #expect(result.isWithinTolerance, "\(result)")
      for precision in [Precision.bfloat16, .float16] {
        let error = #expect(throws: BackendError.self) { _ = try backend.compile(row.graph, precision) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("8.0") == true && error?.message.contains("7.5") == true)
      }
    }
  }
}
