import Foundation

/// The memory of this process, by /proc/self/status, which counts in kibibytes.
public enum ResidentMemory {
  struct Unknown: Error, CustomStringConvertible {
    var field: String
    var description: String { "/proc/self/status has no line \(field): this needs Linux" }
  }

  /// What it holds now, in mebibytes.
  public static func current() throws -> Double { try mebibytes("VmRSS") }

  /// The most it ever held, in mebibytes.
  public static func peak() throws -> Double { try mebibytes("VmHWM") }

  private static func mebibytes(_ field: String) throws -> Double {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    for line in status.split(separator: "\n") where line.hasPrefix("\(field):") {
      let fields = line.split(whereSeparator: \.isWhitespace)
      if fields.count >= 2, let kibibytes = Double(fields[1]) { return kibibytes / 1024 }
    }
    throw Unknown(field: field)
  }
}
