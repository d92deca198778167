import CZooHamming

/// The instructions that the kernels use. Answers do not depend on it.
public enum HammingInstructionSet: String, Sendable, Hashable, CaseIterable {
  /// What every processor has.
  case plain
  /// AVX2 and POPCNT.
  case avx2
  /// AVX-512 F, BW, DQ, VL and VPOPCNTDQ.
  case avx512
  /// NEON, which every processor for arm64 has.
  case neon

  /// The widest that this processor has.
  public static var best: HammingInstructionSet {
    switch zoo_hamming_best_set() {
    case ZOO_HAMMING_AVX512: .avx512
    case ZOO_HAMMING_AVX2: .avx2
    case ZOO_HAMMING_NEON: .neon
    default: .plain
    }
  }

  /// All that this processor has.
  public static var available: [HammingInstructionSet] { allCases.filter(\.isAvailable) }

  /// Whether this processor has it.
  public var isAvailable: Bool { zoo_hamming_has_set(kernels) }

  var kernels: zoo_hamming_set {
    switch self {
    case .plain: ZOO_HAMMING_PLAIN
    case .avx2: ZOO_HAMMING_AVX2
    case .avx512: ZOO_HAMMING_AVX512
    case .neon: ZOO_HAMMING_NEON
    }
  }
}
