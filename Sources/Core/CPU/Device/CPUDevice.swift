import CZooKernels
import Foundation
import Glibc

/// The processor that the CPU backend runs on, as far as this process may use it.
public struct CPUDevice: Sendable, Hashable {
  /// As the operating system reports it, for example `AMD EPYC 9755 128-Core Processor`.
  public let name: String
  /// Logical processors this process may run on at once: the affinity mask, and the quota of its control group.
  public let coreCount: Int
  public let instructionSet: InstructionSet
  /// Bytes of memory that this process may use: the machine's, or the limit of its control group.
  public let memory: Int

  public static let current = CPUDevice()

  private init() {
    func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
    name = Self.modelName(cpuinfo: text("/proc/cpuinfo") ?? "") ?? "unknown processor"
    coreCount = max(1, min(zoo_usable_processors(), Self.quota(cpuMax: text("/sys/fs/cgroup/cpu.max") ?? "") ?? .max))
    instructionSet = .best
    let installed = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    memory = min(installed, Self.memoryLimit(memoryMax: text("/sys/fs/cgroup/memory.max") ?? "") ?? .max)
  }

  /// The first `model name` of /proc/cpuinfo.
  static func modelName(cpuinfo: String) -> String? {
    for line in cpuinfo.split(separator: "\n") where line.hasPrefix("model name") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return nil
  }

  /// Whole processors of a control group's `cpu.max`, "quota period" in microseconds or "max period"; rounded up.
  static func quota(cpuMax: String) -> Int? {
    let fields = cpuMax.split(whereSeparator: \.isWhitespace)
    guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]), quota > 0, period > 0 else {
      return nil
    }
    return (quota - 1) / period + 1
  }

  /// A control group's `memory.max`: bytes, or "max".
  static func memoryLimit(memoryMax: String) -> Int? {
    Int(memoryMax.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}

extension CPUDevice: CustomStringConvertible {
  /// For example `AMD EPYC 9755 128-Core Processor, 2 cores, AVX-512`.
  public var description: String {
    "\(name), \(coreCount) \(coreCount == 1 ? "core" : "cores"), \(instructionSet)"
  }
}
