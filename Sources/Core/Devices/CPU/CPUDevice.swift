import CZooDevices
import Glibc

/// The processor of this machine, as far as this process may use it.
public struct CPUDevice: Sendable, Hashable {
  /// As the operating system reports it, for example `AMD EPYC 9755 128-Core Processor`.
  public let name: String
  /// Logical processors this process may run on at once: the affinity mask, and the quota of its control group.
  public let coreCount: Int
  /// Bytes of memory that this process may use: the machine's, or the limit of its control group.
  public let memory: Int
  /// What it has, from the oldest to the newest.
  public let vectorExtensions: [String]
  /// What keeps this process from using all of the machine.
  public let limits: [String]

  public static let current = CPUDevice(files: SystemFiles(), affinity: affinity)

  /// - Parameter affinity: processors in the mask of this process.
  init(files: SystemFiles, affinity: Int) {
    let information = CPUInformation((try? files.text("proc/cpuinfo")) ?? "")
    let group = ControlGroup(files: files)
    name = information.modelName ?? "unknown processor"
    vectorExtensions = information.vectorExtensions
    coreCount = max(1, min(affinity, group.processors.map { Int($0.rounded(.up)) } ?? .max))
    // A service may be shut out of /proc/meminfo.
    let installed = (try? MemoryInformation(files: files).total) ?? (files.isOfThisMachine ? Self.pages : 0)
    memory = min(installed > 0 ? installed : .max, group.memory?.limit ?? .max)

    var limits: [String] = []
    if affinity < information.processors {
      limits.append("the affinity mask leaves \(affinity) of \(information.processors) processors")
    }
    if let processors = group.processors, processors < Double(affinity) {
      limits.append("the control group leaves the time of \(processors.rounded(toPlaces: 2)) processors")
    }
    if let limit = group.memory?.limit, limit < installed {
      limits.append("the control group leaves \(limit >> 20) of \(installed >> 20) MiB of memory")
    }
    self.limits = limits
  }

  /// Bytes of the machine's memory, by its count of pages.
  private static var pages: Int { max(0, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))) }

  /// Logical processors that the affinity mask of this process has.
  static var affinity: Int { max(1, Int(zoo_usable_processors())) }
}

extension CPUDevice: CustomStringConvertible {
  /// For example `AMD EPYC 9755 128-Core Processor, 2 cores`.
  public var description: String {
    "\(name), \(coreCount) \(coreCount == 1 ? "core" : "cores")"
  }
}

extension Double {
  fileprivate func rounded(toPlaces places: Int) -> Double {
    let scale = pow(10, Double(places))
    return (self * scale).rounded() / scale
  }
}
