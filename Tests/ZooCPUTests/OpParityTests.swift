import Testing
import ZooBackend
import ZooCPU
import ZooOpParity

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

  @Test("products large enough for several blocks agree with the reference", arguments: MatrixLibrary.allCases)
  func largeProductsAgree(_ library: MatrixLibrary) throws {
    let backend = try CPUBackend(threads: 3, library: library)
    let result = try TestNetwork.parityCase(batch: 2).check(backend, tolerance: 1e-5)
    #expect(result.isWithinTolerance, "\(result)")
  }
}
