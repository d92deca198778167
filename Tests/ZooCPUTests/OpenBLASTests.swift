import Testing
import ZooBackend

@testable import ZooCPU

struct OpenBLASTests {
  @Test("products that are right have no fault")
  func rightProducts() {
    #expect(OpenBLAS.fault == nil)
  }

  @Test("a product that is wrong in one element of one size is found")
  func wrongProduct() {
    let fault = OpenBLAS.findFault { m, n, k, a, b, c in
      OpenBLAS.multiply(rows: m, columns: n, depth: k, a, k, b, n, into: c, n)
      if m == 37 { c[m * n - 1] += 1 }
    }
    #expect(fault?.contains("37×129") == true)
  }

  @Test("a product that writes nothing is found")
  func idleProduct() {
    #expect(OpenBLAS.findFault { _, _, _, _, _, _ in } != nil)
  }

  @Test("without vector instructions OpenBLAS is preferred")
  func preference() {
    #expect(MatrixLibrary.preferred(for: .plain) == .openBLAS)
    #expect(MatrixLibrary.preferred(for: .avx2) == .packed)
    #expect(MatrixLibrary.preferred(for: .neon) == .packed)
  }
}
