import Foundation

/// A line of the table.
struct GPUCheckRow: Encodable {
  var device = ""
  var check: String
  var work: String
  var precision: String
  var batch = 1
  var passed: Bool
  /// The largest difference over the largest magnitude; of goldens the largest difference.
  var error: Double?
  var tolerance: Double?
  var medianMS: Double?
  var minMS: Double?
  var watts: Double?
  var celsius: Double?
  /// Bytes read in a second, over those that a copy in the card's memory reads and writes.
  var bandwidthShare: Double?
  var note = ""

  enum CodingKeys: String, CodingKey {
    case device, check, work, precision, batch, passed, error, tolerance, watts, celsius, note
    case medianMS = "median_ms"
    case minMS = "min_ms"
    case bandwidthShare = "bandwidth_share"
  }

  mutating func take(_ times: GPUMeter.Times) {
    medianMS = times.milliseconds.quantile(0.5)
    minMS = times.milliseconds.quantile(0)
    (watts, celsius) = (times.watts, times.celsius)
  }

  static let title =
    "CHECK             WORK                            PRECISION  BATCH  RESULT     ERROR    WITHIN    MEDIAN MS    WATTS    °C"

  var text: String {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    func number(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "-" }
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    return padded(check, 18) + padded(work, 32) + padded(precision, 11) + right("\(batch)", 5) + "  "
      + padded(passed ? "ok" : "WRONG", 6) + right(number(error, "%.1e"), 10) + right(number(tolerance, "%.1e"), 10)
      + right(number(medianMS, "%.3f"), 13) + right(number(watts, "%.0f"), 9) + right(number(celsius, "%.0f"), 6)
      + (note.isEmpty ? "" : "  \(note)")
  }
}
