import ZooBackend

/// Who multiplies by the weights of a network, and so how they are packed and what is multiplied by them.
enum ProductKernels: Sendable, Hashable {
  case openBLAS
  /// `zoo_sgemm`
  case packed
  /// `zoo_bgemm`: both sides in bfloat16; in Winograd's algorithm integers of 16 bits.
  case bfloat16

  init(_ library: MatrixLibrary, _ precision: Precision) {
    switch (precision, library) {
    case (.bfloat16, _): self = .bfloat16
    case (_, .openBLAS): self = .openBLAS
    case (_, .packed): self = .packed
    }
  }

  /// In front of the name of an algorithm.
  var prefix: String { self == .bfloat16 ? "bfloat16 " : "" }
}
