import Testing
import ZooBackend
import ZooCPU
import ZooOpParity
import ZooTensor

struct OpParityTests {
  @Test(
    "every operation agrees with the reference, on every instruction set and library",
    arguments: InstructionSet.available, MatrixLibrary.allCases)
  func agreesWithReference(_ instructionSet: InstructionSet, _ library: MatrixLibrary) throws {
    let backend = try CPUBackend(threads: 3, instructionSet: instructionSet, library: library)
    for result in try checkParity(of: backend, tolerance: 1e-5) {
      #expect(result.isWithinTolerance, "\(result)")
    }
  }

  @Test(
    "every operation is near the reference in bfloat16, on every instruction set", arguments: InstructionSet.available)
  func isNearInBfloat16(_ instructionSet: InstructionSet) throws {
    let backend = try CPUBackend(threads: 3, instructionSet: instructionSet)
    for row in try ParityTable.cases() {
      // The instructions for bfloat16 take denormal numbers for zeros.
      if row.inputs.contains(where: { $0.floats().contains(where: \.isSubnormal) }) { continue }
      // Both factors of a product are off by 2^-9 of themselves at most; in a network that adds up.
      let isNetwork = row.name.contains("network")
      let result = row.check(
        backend, tolerance: isNetwork ? 0.06 : 0.012, options: CompileOptions(precision: .bfloat16))
      #expect(result.isWithinTolerance, "\(result)")
    }
  }

  @Test("products large enough for several blocks agree with the reference", arguments: MatrixLibrary.allCases)
  func largeProductsAgree(_ library: MatrixLibrary) throws {
    let backend = try CPUBackend(threads: 3, library: library)
    let result = try TestNetwork.parityCase(batch: 2).check(backend, tolerance: 1e-5)
    #expect(result.isWithinTolerance, "\(result)")
  }
}
