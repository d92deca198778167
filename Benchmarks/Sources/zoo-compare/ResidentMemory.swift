import Foundation

/// The memory of this process.
enum ResidentMemory {
  struct Unknown: Error, CustomStringConvertible {
    var description: String { "/proc/self/status has no line VmHWM: this needs Linux" }
  }

  /// The most it ever held, in mebibytes: `VmHWM` of /proc/self/status, which counts in kibibytes.
  static func peak() throws -> Double {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
      let fields = line.split(whereSeparator: \.isWhitespace)
      if fields.count >= 2, let kibibytes = Double(fields[1]) { return kibibytes / 1024 }
    }
    throw Unknown()
  }
}
