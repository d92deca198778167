import Foundation

/// The memory of this process.
enum ResidentMemory {
  struct Unknown: Error, CustomStringConvertible {
    var description: String { "/proc/self/status has no line VmRSS: this needs Linux" }
  }

  /// What it holds now, in mebibytes: `VmRSS` of /proc/self/status, which counts in kibibytes.
  static func current() throws -> Double {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
      let fields = line.split(whereSeparator: \.isWhitespace)
      if fields.count >= 2, let kibibytes = Double(fields[1]) { return kibibytes / 1024 }
    }
    throw Unknown()
  }
}
