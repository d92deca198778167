/// The processor's temperature, by the kernel's hardware monitoring (/sys/class/hwmon).
struct TemperatureSensor {
  /// The drivers of processors: Intel's, AMD's twice, Arm's boards.
  private static let drivers = ["coretemp", "k10temp", "zenpower", "cpu_thermal"]

  static let missing = Unavailable(
    "the kernel shows no temperature sensor of the processor: a virtual machine has none; elsewhere load the module "
      + "coretemp (Intel) or k10temp (AMD)")

  private var folders: [String]

  init(files: SystemFiles) { folders = Self.folders(files) }

  private static func folders(_ files: SystemFiles) -> [String] {
    files.names(in: "sys/class/hwmon").map { "sys/class/hwmon/\($0)" }.filter { folder in
      (try? files.line("\(folder)/name")).map(drivers.contains) ?? false
    }
  }

  /// Degrees Celsius of the hottest place.
  mutating func read(files: SystemFiles) throws(Unavailable) -> Double {
    // A module may have been loaded since.
    if folders.isEmpty { folders = Self.folders(files) }
    guard !folders.isEmpty else { throw Self.missing }
    var hottest: Double?
    var failure: Unavailable?
    for folder in folders {
      for input in inputs(in: folder, files) {
        do throws(FileFailure) {
          // In thousandths of a degree.
          let value = try files.number("\(folder)/\(input)")
          guard -100_000...200_000 ~= value else { throw FileFailure("\(folder)/\(input)", content: "\(value)") }
          hottest = max(hottest ?? -.infinity, Double(value) / 1000)
        } catch {
          failure = failure ?? error.unavailable
        }
      }
    }
    guard let hottest else { throw failure ?? Self.missing }
    return hottest
  }

  /// `temp1_input`, …; where AMD's driver has the die's temperature, without what `Tctl` adds to steer fans by.
  private func inputs(in folder: String, _ files: SystemFiles) -> [String] {
    let inputs = files.names(in: folder).filter { $0.hasPrefix("temp") && $0.hasSuffix("_input") }
    func label(_ input: String) -> String? { try? files.line("\(folder)/\(input.dropLast("input".count))label") }
    guard inputs.contains(where: { label($0) == "Tdie" }) else { return inputs }
    return inputs.filter { label($0) != "Tctl" }
  }
}
