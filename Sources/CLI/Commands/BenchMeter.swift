import Histogram
import Synchronization
import ZooProtocol

/// Collects from all callers.
final class BenchMeter: Sendable {
  private struct State {
    var started = 0
    var errors = 0
    var firstError: String?
    /// Microseconds, to three digits, up to an hour.
    var latencies = Histogram<UInt64>(highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)
    var timing = WireTiming()
  }

  private let state = Mutex(State())

  func mayStart(requests: Int?, until end: ContinuousClock.Instant) -> Bool {
    state.withLock { state in
      if let requests {
        guard state.started < requests else { return false }
      } else if ContinuousClock.now >= end {
        return false
      }
      state.started += 1
      return !Task.isCancelled
    }
  }

  func record(_ latency: Duration, _ timing: WireTiming) {
    state.withLock { state in
      state.latencies.record(UInt64(max(0, latency / .microseconds(1))))
      state.timing.queueUs += timing.queueUs
      state.timing.prepareUs += timing.prepareUs
      state.timing.computeUs += timing.computeUs
      state.timing.finishUs += timing.finishUs
    }
  }

  func fail(_ error: ZooError) {
    state.withLock { state in
      state.errors += 1
      state.firstError = state.firstError ?? error.description
    }
  }

  func row(callers: Int, elapsed: Duration) -> BenchRow {
    state.withLock { state in
      let latencies = state.latencies
      let count = Int(latencies.totalCount)
      func mean(_ sum: UInt64) -> Double { count > 0 ? Double(sum) / Double(count) : 0 }
      return BenchRow(
        callers: callers, requests: count, errors: state.errors, seconds: elapsed / .seconds(1),
        requestsPerSecond: Double(count) / (elapsed / .seconds(1)), p50: latencies.valueAtPercentile(50),
        p90: latencies.valueAtPercentile(90), p99: latencies.valueAtPercentile(99),
        p999: latencies.valueAtPercentile(99.9), maximum: latencies.max, queue: mean(state.timing.queueUs),
        prepare: mean(state.timing.prepareUs), compute: mean(state.timing.computeUs),
        finish: mean(state.timing.finishUs), firstError: state.firstError)
    }
  }
}
