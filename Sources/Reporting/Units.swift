import Foundation

/// Numbers as people read them.
public enum Units {
  public static func bytes(_ count: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : String(format: "%.1f %@", value, units[unit])
  }

  public static func count(_ count: UInt64) -> String {
    switch count {
    case 1_000_000_000...: String(format: "%.2f G", Double(count) / 1e9)
    case 1_000_000...: String(format: "%.2f M", Double(count) / 1e6)
    case 10_000...: String(format: "%.1f k", Double(count) / 1e3)
    default: "\(count)"
    }
  }

  /// Milliseconds, with as many digits as mean something.
  public static func milliseconds(_ microseconds: Double) -> String {
    let value = microseconds / 1000
    return String(format: value < 10 ? "%.2f ms" : value < 100 ? "%.1f ms" : "%.0f ms", value)
  }

  /// Without digits that say nothing: 2, 0.75.
  public static func plain(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
  }

  /// How long something takes: 40 s, 3 min, 2 h.
  public static func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<100: String(format: "%.0f s", max(0, seconds))
    case ..<6000: String(format: "%.0f min", seconds / 60)
    default: String(format: "%.1f h", min(seconds, 1e9) / 3600)
    }
  }

  public static func percent(_ share: Float) -> String { String(format: "%.1f %%", share * 100) }
}
