import Foundation
import ZooProtocol
import ZooReporting

/// What was measured with one number of callers. Times in microseconds.
struct BenchRow: Encodable, Sendable {
  var callers: Int
  var requests: Int
  var errors: Int
  /// That the measurement took.
  var seconds: Double
  var requestsPerSecond: Double
  var p50: UInt64
  var p90: UInt64
  var p99: UInt64
  var p999: UInt64
  var maximum: UInt64
  /// Medians of what the server says of each request.
  var queue: UInt64
  var prepare: UInt64
  var compute: UInt64
  var finish: UInt64
  var firstError: String?
  /// What ended the measurement: the server, or the model, was not there any more.
  var end: ZooError?
  /// What the processors of the server's machine did meanwhile.
  var devices: [DeviceUsage] = []
  /// Why there is nothing of them, or not of the whole run.
  var devicesUnavailable: String?

  enum CodingKeys: CodingKey {
    case callers, requests, errors, seconds, requestsPerSecond, p50, p90, p99, p999, maximum
    case queue, prepare, compute, finish, firstError, devices, devicesUnavailable
  }

  static let csvHeader =
    "callers,requests,errors,requests_per_second,p50_us,p90_us,p99_us,p999_us,max_us,queue_us,prepare_us,compute_us,finish_us"

  var csv: String {
    "\(callers),\(requests),\(errors),\(String(format: "%.3f", requestsPerSecond)),\(p50),\(p90),\(p99),\(p999),\(maximum),"
      + [queue, prepare, compute, finish].map { "\($0)" }.joined(separator: ",")
  }

  static func table(_ rows: [BenchRow]) -> String {
    var table = Table([
      ("CALLERS", .trailing), ("REQUESTS", .trailing), ("PER SECOND", .trailing), ("P50", .trailing),
      ("P90", .trailing),
      ("P99", .trailing), ("P99.9", .trailing), ("MAX", .trailing), ("QUEUE", .trailing), ("PREPARE", .trailing),
      ("COMPUTE", .trailing), ("FINISH", .trailing), ("ERRORS", .trailing),
    ])
    for row in rows {
      let latencies = [row.p50, row.p90, row.p99, row.p999, row.maximum].map { Units.milliseconds(Double($0)) }
      let parts = [row.queue, row.prepare, row.compute, row.finish].map { Units.milliseconds(Double($0)) }
      table.add(
        ["\(row.callers)", "\(row.requests)", String(format: "%.1f", row.requestsPerSecond)] + latencies + parts
          + ["\(row.errors)"])
    }
    return table.text
  }

  static func deviceTable(_ rows: [BenchRow]) -> String {
    let failures = Set(rows.compactMap(\.devicesUnavailable)).sorted().map { "devices not available: \($0)" }
    guard rows.contains(where: { !$0.devices.isEmpty }) else { return failures.joined(separator: "\n") }
    let table = DeviceUsage.text(
      rows.map { ("\($0.callers)", $0.devices) }, label: "CALLERS", emphasis: Output.bold)
    return ([table] + failures).joined(separator: "\n")
  }
}
