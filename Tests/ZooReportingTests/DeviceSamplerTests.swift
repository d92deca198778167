import Synchronization
import Testing
import ZooProtocol

@testable import ZooReporting

struct DeviceSamplerTests {
  /// Readings, one a call, then a failure.
  private final class Source: Sendable {
    private let left: Mutex<[WireDevicesResult]>
    private let failure: any Error

    init(_ results: [WireDevicesResult], then failure: any Error = ZooError(.unavailable, "gone")) {
      left = Mutex(results)
      self.failure = failure
    }

    func next() throws -> WireDevicesResult {
      try left.withLock { left in
        guard !left.isEmpty else { throw failure }
        return left.removeFirst()
      }
    }
  }

  private func sampler(_ source: Source) -> DeviceSampler {
    DeviceSampler(interval: .milliseconds(1)) { try source.next() }
  }

  @Test("readings begin before the work and end after it")
  func during() async throws {
    let clock = Mutex<UInt64>(0)
    let order = Mutex<[String]>([])
    let sampler = DeviceSampler(interval: .milliseconds(1)) {
      order.withLock { $0.append("reading") }
      return reading(
        at: clock.withLock {
          $0 += 1
          return $0
        })
    }
    let (result, samples) = try await sampler.during {
      order.withLock { $0.append("work") }
      try await Task.sleep(for: .milliseconds(20))
      order.withLock { $0.append("end") }
      return 42
    }
    #expect(result == 42)
    #expect(samples.failure == nil)
    #expect(samples.results.map(\.clockMs) == Array(1...UInt64(samples.results.count)))
    let events = order.withLock { $0 }
    #expect(events.first == "reading")
    #expect(events.dropFirst().first == "work" || events.contains("work"))
    #expect(events.last == "reading")
  }

  @Test("a reading of the same time counts once")
  func sameTime() async throws {
    let samples = try await sampler(Source([reading(at: 7), reading(at: 7)])).during {}.samples
    #expect(samples.results.map(\.clockMs) == [7])
  }

  @Test("a failure ends the readings, is told, and the work goes on")
  func failure() async throws {
    let (result, samples) = try await sampler(Source([reading(at: 1)])).during { "done" }
    #expect(result == "done")
    #expect(samples.results.count == 1)
    #expect(samples.failure == "gone")
    let old = try await sampler(Source([], then: ZooError(.unimplemented, "call is not set"))).during {}.samples
    #expect(old.results.isEmpty)
    #expect(old.failure?.contains("older than this program") == true)
  }

  @Test("the work's own error comes through")
  func workFails() async {
    struct Fault: Error {}
    await #expect(throws: Fault.self) {
      try await sampler(Source((0..<1000).map { reading(at: $0) })).during { throw Fault() }
    }
  }

  @Test("idle power is waited for only where a device tells its power")
  func idle() async throws {
    let silent = try await sampler(Source([reading(at: 0, [.utilizationPercent: 1]), reading(at: 1)])).idle(
      for: .seconds(3600))
    #expect(silent.results.count == 2)
    #expect(try await sampler(Source([])).idle(for: .zero).results.isEmpty)
    let telling = try await sampler(Source((0..<10_000).map { reading(at: $0, [.powerWatts: 5]) })).idle(
      for: .milliseconds(10))
    #expect(telling.results.count >= 2)
  }
}
