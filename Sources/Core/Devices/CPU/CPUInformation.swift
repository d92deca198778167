/// What /proc/cpuinfo says that does not change while the machine runs.
struct CPUInformation {
  /// The first `model name`; nil on processors that have none, such as those of Arm.
  private(set) var modelName: String?
  /// Logical processors that are online.
  private(set) var processors = 0
  private(set) var vectorExtensions: [String] = []

  init(_ cpuinfo: String) {
    for line in cpuinfo.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...]
      switch line[..<colon].trimmed {
      case "processor": processors += 1
      case "model name": if modelName == nil { modelName = value.trimmed }
      case "flags", "Features":
        guard vectorExtensions.isEmpty else { continue }
        let flags = Set(value.split(whereSeparator: \.isWhitespace).map(String.init))
        vectorExtensions = Self.extensions.filter { flags.contains($0.flag) }.map(\.name)
      default: break
      }
    }
  }

  /// As the kernel calls them, and as their makers do.
  private static let extensions: [(flag: String, name: String)] = [
    ("avx", "AVX"), ("f16c", "F16C"), ("fma", "FMA"), ("avx2", "AVX2"), ("avx_vnni", "AVX-VNNI"),
    ("avx512f", "AVX-512 F"), ("avx512bw", "AVX-512 BW"), ("avx512dq", "AVX-512 DQ"), ("avx512vl", "AVX-512 VL"),
    ("avx512_vnni", "AVX-512 VNNI"), ("avx512_bf16", "AVX-512 BF16"), ("avx512_fp16", "AVX-512 FP16"),
    ("avx512_vpopcntdq", "AVX-512 VPOPCNTDQ"), ("amx_tile", "AMX"), ("amx_int8", "AMX INT8"), ("amx_bf16", "AMX BF16"),
    ("asimd", "NEON"), ("asimdhp", "NEON FP16"), ("asimddp", "NEON DotProd"), ("i8mm", "I8MM"), ("bf16", "BF16"),
    ("sve", "SVE"), ("sve2", "SVE2"), ("sme", "SME"),
  ]
}
