import Histogram
import Synchronization
import ZooProtocol

/// Collects from all callers.
final class BenchMeter: Sendable {
  /// Microseconds, to three digits, up to an hour.
  private struct Times {
    private(set) var histogram = Histogram<UInt64>(
      highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)

    mutating func record(_ microseconds: UInt64) { histogram.record(min(microseconds, 3_600_000_000)) }

    func percentile(_ percent: Double) -> UInt64 {
      histogram.totalCount > 0 ? histogram.valueAtPercentile(percent) : 0
    }
  }

  private struct State {
    var started = 0
    var errors = 0
    var firstError: String?
    /// What ended the measurement: the server, or the model, is not there any more.
    var end: ZooError?
    var latencies = Times()
    /// By the server.
    var queue = Times()
    var prepare = Times()
    var compute = Times()
    var finish = Times()
  }

  private let state = Mutex(State())

  func mayStart(requests: Int?, until end: ContinuousClock.Instant) -> Bool {
    state.withLock { state in
      if state.end != nil { return false }
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
      state.queue.record(timing.queueUs)
      state.prepare.record(timing.prepareUs)
      state.compute.record(timing.computeUs)
      state.finish.record(timing.finishUs)
    }
  }

  func fail(_ error: ZooError) {
    state.withLock { state in
      state.errors += 1
      state.firstError = state.firstError ?? error.description
      if error.code == .unavailable || error.code == .notFound { state.end = state.end ?? error }
    }
  }

  func row(callers: Int, elapsed: Duration) -> BenchRow {
    state.withLock { state in
      let latencies = state.latencies
      let count = Int(latencies.histogram.totalCount)
      return BenchRow(
        callers: callers, requests: count, errors: state.errors, seconds: elapsed / .seconds(1),
        requestsPerSecond: Double(count) / (elapsed / .seconds(1)), p50: latencies.percentile(50),
        p90: latencies.percentile(90), p99: latencies.percentile(99), p999: latencies.percentile(99.9),
        maximum: latencies.histogram.max, queue: state.queue.percentile(50), prepare: state.prepare.percentile(50),
        compute: state.compute.percentile(50), finish: state.finish.percentile(50), firstError: state.firstError,
        end: state.end)
    }
  }
}
