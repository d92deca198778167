/// How fast the processors run, by the kernel's frequency scaling or /proc/cpuinfo.
struct ProcessorClocks {
  private let folders: [String]

  static let missing = Unavailable(
    "the kernel does not tell how fast the processors run: a virtual machine's rarely does")

  init(files: SystemFiles) {
    folders = files.names(in: "sys/devices/system/cpu").filter {
      $0.hasPrefix("cpu") && Int($0.dropFirst(3)) != nil
    }.map { "sys/devices/system/cpu/\($0)" }
  }

  /// MHz, the mean of all processors.
  func current(files: SystemFiles) throws(Unavailable) -> Double {
    let scaled = folders.compactMap { try? files.count("\($0)/cpufreq/scaling_cur_freq") }.filter { $0 > 0 }
    if !scaled.isEmpty { return scaled.reduce(0) { $0 + Double($1) } / Double(scaled.count) / 1000 }
    let listed = ((try? files.text("proc/cpuinfo")) ?? "").split(separator: "\n").compactMap { line -> Double? in
      guard line.hasPrefix("cpu MHz"), let colon = line.firstIndex(of: ":") else { return nil }
      return Double(line[line.index(after: colon)...].trimmed)
    }.filter { $0 > 0 && $0 < 100_000 }
    guard !listed.isEmpty else { throw Self.missing }
    return listed.reduce(0, +) / Double(listed.count)
  }

  /// MHz, of the fastest processor.
  func maximum(files: SystemFiles) throws(Unavailable) -> Double {
    let scaled = folders.compactMap { try? files.count("\($0)/cpufreq/cpuinfo_max_freq") }.max() ?? 0
    guard scaled > 0 else { throw Self.missing }
    return Double(scaled) / 1000
  }
}

/// How often heat has slowed processors down, by counters that those of Intel have.
struct ThrottleCounters {
  private let files: [String]

  static let missing = Unavailable("the kernel counts no throttling of this processor: it does so for Intel's alone")

  init(files: SystemFiles) {
    self.files = files.names(in: "sys/devices/system/cpu").flatMap { name in
      ["core_throttle_count", "package_throttle_count"].map { "sys/devices/system/cpu/\(name)/thermal_throttle/\($0)" }
    }.filter { (try? files.count($0)) != nil }
  }

  /// The sum of all counters.
  func read(files: SystemFiles) throws(Unavailable) -> UInt64 {
    guard !self.files.isEmpty else { throw Self.missing }
    var sum: UInt64 = 0
    for file in self.files {
      do throws(FileFailure) { sum &+= try files.count(file) } catch { throw error.unavailable }
    }
    return sum
  }
}
