import ZooProtocol

/// What became of a model's requests.
struct RequestStatistics: Sendable {
  private static let window = 4096

  private var succeeded: UInt64 = 0
  private var failed: UInt64 = 0
  /// The latencies of the latest requests, in microseconds, the oldest overwritten.
  private var latencies: [UInt64] = []
  private var oldest = 0

  mutating func record(_ latency: Duration, succeeded: Bool) {
    if succeeded { self.succeeded += 1 } else { failed += 1 }
    let microseconds = latency.microseconds
    if latencies.count < Self.window {
      latencies.append(microseconds)
    } else {
      latencies[oldest] = microseconds
      oldest = (oldest + 1) % Self.window
    }
  }

  func wire(waiting: Int) -> WireStatistics {
    let sorted = latencies.sorted()
    var wire = WireStatistics()
    wire.succeeded = succeeded
    wire.failed = failed
    wire.waiting = UInt64(waiting)
    wire.p50Us = Self.percentile(50, of: sorted)
    wire.p90Us = Self.percentile(90, of: sorted)
    wire.p99Us = Self.percentile(99, of: sorted)
    return wire
  }

  /// The nearest-rank percentile; 0 of nothing.
  private static func percentile(_ percent: Int, of sorted: [UInt64]) -> UInt64 {
    guard !sorted.isEmpty else { return 0 }
    return sorted[(sorted.count * percent + 99) / 100 - 1]
  }
}

extension Duration {
  /// Whole microseconds, none below zero.
  var microseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
  }
}
