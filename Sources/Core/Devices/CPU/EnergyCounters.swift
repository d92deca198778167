/// Energy that the processor's packages have taken, by its running average power limit (RAPL): counters in
/// /sys/class/powercap, in microjoules, that begin again at 0 behind `max_energy_range_uj`. Memory is not in it.
struct EnergyCounters {
  private struct Package {
    let folder: String
    var latest: UInt64?

    /// Microjoules since the latest reading; 0 where there was none.
    func increase(to now: UInt64, _ files: SystemFiles) throws(FileFailure) -> Double {
      guard let latest else { return 0 }
      if now >= latest { return Double(now - latest) }
      let range = try files.count("\(folder)/max_energy_range_uj")
      guard range >= latest else {
        throw FileFailure("\(folder)/energy_uj", content: "\(latest), more than its greatest, \(range),")
      }
      return Double(range - latest) + Double(now)
    }
  }

  private var packages: [Package]
  /// Joules since the first reading.
  private var joules = 0.0

  static let missing = Unavailable(
    "the kernel shows no RAPL counters: a virtual machine has none; elsewhere load the module intel_rapl_msr")

  init(files: SystemFiles) { packages = Self.packages(files) }

  private static func packages(_ files: SystemFiles) -> [Package] {
    // intel-rapl:0:0 is a part of intel-rapl:0, intel-rapl-mmio:0 the same package once more, psys the whole board.
    files.names(in: "sys/class/powercap").filter {
      $0.hasPrefix("intel-rapl:") && $0.split(separator: ":").count == 2
    }.map { Package(folder: "sys/class/powercap/\($0)") }.filter {
      (try? files.line("\($0.folder)/name"))?.hasPrefix("package") ?? false
    }
  }

  /// Joules since the first reading. Right as long as no counter goes all the way round between two readings: AMD's hold
  /// 65 kJ, two minutes of a package that takes 500 W.
  mutating func read(files: SystemFiles) throws(Unavailable) -> Double {
    // A module may have been loaded since.
    if packages.isEmpty { packages = Self.packages(files) }
    guard !packages.isEmpty else { throw Self.missing }
    do throws(FileFailure) {
      var readings: [UInt64] = []
      for package in packages { readings.append(try files.count("\(package.folder)/energy_uj")) }
      var increase = 0.0
      // A step that makes no sense is left out; the next one begins where it ended.
      defer { for index in packages.indices { packages[index].latest = readings[index] } }
      for (package, now) in zip(packages, readings) { increase += try package.increase(to: now, files) }
      joules += increase * 1e-6
      return joules
    } catch {
      guard error.kind == .forbidden else { throw error.unavailable }
      throw Unavailable(
        "energy_uj is for root alone since Linux 5.10, because it tells others what a program does (CVE-2020-8694): where "
          + "that is no concern, let the server's group read /sys/class/powercap/intel-rapl:*/energy_uj, by `chgrp` and "
          + "`chmod g+r` at every start of the machine")
    }
  }
}
