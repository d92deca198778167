/// The limits that control groups (cgroup v1 and v2) set this process, the tightest of its group and those above it.
struct ControlGroup: Sendable {
  struct Memory: Sendable, Equatable {
    /// Bytes.
    var limit: Int
    /// Bytes that the group has taken, without files that the kernel can drop; nil where it does not say.
    var used: Int?
  }

  /// How many processors' time; nil for no limit.
  private(set) var processors: Double?
  private(set) var memory: Memory?

  init(files: SystemFiles) {
    // Lines such as `0::/system.slice/zoo.service` (v2) and `4:memory:/docker/0a1b` (v1).
    let lines = ((try? files.text("proc/self/cgroup")) ?? "").split(separator: "\n")
    let groups = lines.compactMap { line -> (controllers: [Substring], path: String)? in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      return fields.count == 3 ? (fields[1].split(separator: ","), String(fields[2])) : nil
    }
    func folders(_ controller: String) -> [String] {
      guard let group = groups.first(where: { $0.controllers.contains(Substring(controller)) }) else { return [] }
      return Self.ancestors(of: group.path, below: "sys/fs/cgroup/\(controller)")
    }
    // In a container the root of the hierarchy is the container's group, whatever its path says.
    let unified = Self.ancestors(
      of: groups.first { $0.controllers.isEmpty }?.path ?? "/", below: "sys/fs/cgroup")
    for folder in unified {
      note(processors: Self.quota(cpuMax: (try? files.text("\(folder)/cpu.max")) ?? ""))
      note(
        memory: Self.limit((try? files.text("\(folder)/memory.max")) ?? ""), files, used: "\(folder)/memory.current",
        statistics: "\(folder)/memory.stat", droppable: "inactive_file")
    }
    for folder in folders("cpu") {
      let quota = (try? files.line("\(folder)/cpu.cfs_quota_us")) ?? ""
      let period = (try? files.line("\(folder)/cpu.cfs_period_us")) ?? ""
      note(processors: Self.quota(cpuMax: "\(quota) \(period)"))
    }
    for folder in folders("memory") {
      note(
        memory: Self.limit((try? files.text("\(folder)/memory.limit_in_bytes")) ?? ""), files,
        used: "\(folder)/memory.usage_in_bytes", statistics: "\(folder)/memory.stat",
        droppable: "total_inactive_file")
    }
  }

  private mutating func note(processors: Double?) {
    guard let processors else { return }
    self.processors = min(processors, self.processors ?? .infinity)
  }

  private mutating func note(
    memory limit: Int?, _ files: SystemFiles, used: String, statistics: String, droppable: String
  ) {
    guard let limit, limit < memory?.limit ?? .max else { return }
    memory = Memory(limit: limit)
    guard let taken = try? files.number(used), taken >= 0 else { return }
    let inactive = Self.value(of: droppable, in: (try? files.text(statistics)) ?? "") ?? 0
    memory?.used = max(0, Int(taken) - max(0, inactive))
  }

  /// The folder of a group and those of the groups that it is in, the outermost first.
  private static func ancestors(of path: String, below mount: String) -> [String] {
    var folders = [mount]
    for part in path.split(separator: "/") where part != ".." {
      folders.append("\(folders[folders.count - 1])/\(part)")
    }
    return folders
  }

  /// `cpu.max` or both files of v1: "quota period" in microseconds; nil for "max" and for -1, which stand for no limit.
  static func quota(cpuMax: String) -> Double? {
    let fields = cpuMax.split(whereSeparator: \.isWhitespace)
    guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]), quota > 0, period > 0 else {
      return nil
    }
    return Double(quota) / Double(period)
  }

  /// Bytes; nil for "max" and for what v1 writes where there is no limit, the largest number of whole pages.
  static func limit(_ text: String) -> Int? {
    guard let bytes = Int(text.trimmed), bytes > 0, bytes < Int.max - 65536 else { return nil }
    return bytes
  }

  /// A line `name value` of memory.stat.
  private static func value(of name: String, in statistics: String) -> Int? {
    for line in statistics.split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields.count == 2, fields[0] == name { return Int(fields[1]) }
    }
    return nil
  }
}
