/// Memory as /proc/meminfo has it, in bytes.
struct MemoryInformation {
  let total: Int
  /// What programs could take without swapping.
  let available: Int

  init(files: SystemFiles) throws(FileFailure) {
    let path = "proc/meminfo"
    let text = try files.text(path)
    /// `MemTotal:       24684084 kB`
    func bytes(_ name: String) throws(FileFailure) -> Int {
      guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(name):") }) else {
        throw FileFailure(path, content: "no \(name)")
      }
      let fields = line.split(whereSeparator: \.isWhitespace)
      guard fields.count >= 2, let kibibytes = Int(fields[1]), kibibytes >= 0, kibibytes <= Int.max >> 10 else {
        throw FileFailure(path, content: String(line))
      }
      return kibibytes << 10
    }
    total = try bytes("MemTotal")
    available = min(try bytes("MemAvailable"), total)
  }
}
