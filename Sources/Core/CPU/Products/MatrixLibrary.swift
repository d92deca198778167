import COpenBLAS
import CZooKernels

/// Who multiplies matrices.
public enum MatrixLibrary: String, Sendable, Hashable, CaseIterable {
  /// `cblas_sgemm`, held to one thread and called from the threads of the pool on blocks of its own.
  case openBLAS
  /// The kernels of this package, on weights that are packed when the network is compiled.
  case packed
}

/// OpenBLAS in this process.
public enum OpenBLAS {
  /// What it says about itself, for example `OpenBLAS 0.3.21 … Haswell MAX_THREADS=64`.
  public static let configuration = String(cString: openblas_get_config())

  /// Why it is not used: its products are wrong on this processor. Nil where they are right.
  ///
  /// OpenBLAS chooses its kernels when it is loaded, by the processor's model, and old versions choose wrongly on
  /// processors that are newer than they are. So it is held against plain loops once, on every size class its kernels
  /// distinguish, before anything relies on it.
  public static let fault: String? = {
    openblas_set_num_threads(1)
    return findFault { m, n, k, a, b, c in
      multiply(rows: m, columns: n, depth: k, a, k, b, n, into: c, n)
    }
  }()

  typealias Product = (
    _ m: Int, _ n: Int, _ k: Int, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>
  ) -> Void

  /// Holds a product against plain loops.
  static func findFault(of product: Product) -> String? {
    for (m, n, k) in [(1, 1, 1), (1, 33, 70), (5, 3, 17), (14, 32, 64), (37, 49, 129), (96, 112, 300)] {
      let a = (0..<m * k).map { Float(($0 * 7 + 3) % 23) - 11 }
      let b = (0..<k * n).map { Float(($0 * 5 + 1) % 19) - 9 }
      var expected = [Float](repeating: 0, count: m * n)
      zoo_sgemm_simple(m, n, k, a, k, b, n, &expected, n)
      // Whole numbers this small are exact in any order of addition.
      var result = [Float](repeating: .nan, count: m * n)
      product(m, n, k, a, b, &result)
      if result != expected {
        return "\(configuration) multiplies a \(m)×\(k) matrix by a \(k)×\(n) one wrongly; "
          + "try another value of OPENBLAS_CORETYPE"
      }
    }
    return nil
  }

  /// `c [rows][columns] = a [rows][depth] · b [depth][columns]`, and what is there where `adding`, on the calling thread.
  static func multiply(
    rows: Int, columns: Int, depth: Int, _ a: UnsafePointer<Float>, _ aStride: Int, _ b: UnsafePointer<Float>,
    _ bStride: Int, adding: Bool = false, into c: UnsafeMutablePointer<Float>, _ cStride: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(depth), 1, a,
      blasint(aStride), b, blasint(bStride), adding ? 1 : 0, c, blasint(cStride))
  }
}
