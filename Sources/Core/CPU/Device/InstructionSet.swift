import CZooKernels

/// The vector instructions that kernels are compiled for, from the narrowest to the widest.
public enum InstructionSet: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// What every processor of the architecture has.
  case plain
  /// AVX2 with FMA: 8 numbers at a time.
  case avx2
  /// AVX-512 F, BW, DQ and VL: 16 numbers at a time.
  case avx512

  /// The widest that this processor and its operating system support.
  public static let best: InstructionSet =
    switch zoo_best_instruction_set() {
    case ZOO_AVX512: .avx512
    case ZOO_AVX2: .avx2
    default: .plain
    }

  /// Those that can run here.
  public static var available: [InstructionSet] { allCases.filter { $0 <= best } }

  public static func < (left: InstructionSet, right: InstructionSet) -> Bool { left.rawValue < right.rawValue }

  var kernels: zoo_instruction_set {
    switch self {
    case .plain: ZOO_PLAIN
    case .avx2: ZOO_AVX2
    case .avx512: ZOO_AVX512
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
    }
  }
}
