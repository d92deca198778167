import Foundation
import ZooCUDA
import ZooDevices
import ZooProtocol
import ZooReporting
import ZooServer

/// Takes the times of calls that use a GPU, and reads its sensors meanwhile.
struct GPUMeter {
  /// What calls took, one after the other, and the card at it.
  struct Times: Sendable {
    let milliseconds: [Double]
    /// The mean, and the greatest temperature; nil where the card does not tell, or the calls ended too soon.
    let watts, celsius: Double?
  }

  private let uuid: String
  private let sampler: DeviceSampler

  init(_ backend: CUDABackend) {
    uuid = backend.device.uuid
    let monitor = DeviceMonitor()
    sampler = DeviceSampler(interval: .milliseconds(200)) { .init(try await monitor.report()) }
  }

  /// - Parameter seconds: for which calls are made, after three that nobody counts.
  func times(for seconds: Double, of call: @escaping @Sendable () throws -> Void) async throws -> Times {
    let (times, samples) = try await sampler.during { () async throws -> [Double] in
      // On a thread of its own, so that the sensors find one.
      try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "zoo.gpu-check").async {
          continuation.resume(with: Result { try Self.milliseconds(for: seconds, call) })
        }
      }
    }
    let device = samples.results.last?.devices.first { $0.uuid == uuid && !uuid.isEmpty }
    let usage = DeviceUsage.all(idle: .init(), run: samples, pictures: 0, elapsed: 0).first { $0.id == device?.id }
    return Times(milliseconds: times, watts: usage?.values[.wattsMean], celsius: usage?.values[.celsiusMax])
  }

  private static func milliseconds(for seconds: Double, _ call: () throws -> Void) throws -> [Double] {
    let clock = ContinuousClock()
    for _ in 0..<3 { try call() }
    var times: [Double] = []
    let end = clock.now + .milliseconds(Int64(seconds * 1000))
    repeat {
      times.append(try clock.measure { try call() } / .milliseconds(1))
    } while clock.now < end
    return times
  }
}
