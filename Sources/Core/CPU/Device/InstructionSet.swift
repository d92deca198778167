import CZooKernels

/// The vector instructions that kernels are compiled for.
public enum InstructionSet: Sendable, Hashable, CaseIterable {
  /// What every processor of the architecture has.
  case plain
  /// AVX2 with FMA: 8 numbers at a time.
  case avx2
  /// AVX-512 F, BW, DQ and VL: 16 numbers at a time.
  case avx512
  /// NEON, 4 numbers at a time: every processor for arm64 has it.
  case neon

  /// The widest that this processor and its operating system support.
  public static let best: InstructionSet =
    switch zoo_best_instruction_set() {
    case ZOO_AVX512: .avx512
    case ZOO_AVX2: .avx2
    case ZOO_NEON: .neon
    default: .plain
    }

  /// Those that can run here.
  public static var available: [InstructionSet] { allCases.filter(\.isAvailable) }

  /// Whether it can run here.
  public var isAvailable: Bool { zoo_has_instruction_set(kernels) }

  var kernels: zoo_instruction_set {
    switch self {
    case .plain: ZOO_PLAIN
    case .avx2: ZOO_AVX2
    case .avx512: ZOO_AVX512
    case .neon: ZOO_NEON
    }
  }

  /// For the kernels of 8-bit networks: nothing wider than this set. Where AVX2 is the widest there is, its own dot
  /// products are used if the processor has them, and so are NEON's.
  var quantizedKernels: zoo_quantized_set {
    switch self {
    case .plain: ZOO_Q_PLAIN
    case .avx2: zoo_best_quantized_set() == ZOO_Q_AVXVNNI ? ZOO_Q_AVXVNNI : ZOO_Q_AVX2
    case .avx512: zoo_has_quantized_set(ZOO_Q_AVX512VNNI) ? ZOO_Q_AVX512VNNI : InstructionSet.avx2.quantizedKernels
    case .neon: zoo_has_quantized_set(ZOO_Q_NEONDOT) ? ZOO_Q_NEONDOT : ZOO_Q_NEON
    }
  }

  /// For the kernels of bfloat16: nothing wider than this set.
  var bfloat16Kernels: zoo_bfloat16_set {
    switch self {
    case .plain: ZOO_BF_PLAIN
    case .avx2: ZOO_BF_AVX2
    case .avx512: zoo_has_bfloat16_set(ZOO_BF_AVX512) ? ZOO_BF_AVX512 : ZOO_BF_AVX2
    case .neon: zoo_has_bfloat16_set(ZOO_BF_NEONDOT) ? ZOO_BF_NEONDOT : ZOO_BF_NEON
    }
  }

  /// Columns of a panel of packed weights.
  var panelWidth: Int { zoo_sgemm_panel_width(kernels) }
}

extension InstructionSet: CustomStringConvertible {
  public var description: String {
    switch self {
    case .plain: "plain"
    case .avx2: "AVX2"
    case .avx512: "AVX-512"
    case .neon: "NEON"
    }
  }
}
