import Dispatch
import Glibc
import Synchronization
public import ZooLibraries

/// Why a monitor does not answer.
public struct DevicesBusy: Error, Sendable, CustomStringConvertible {
  public var description: String {
    "many wait for the devices already: a driver may hang; try again later, and check that nvidia-smi answers"
  }
}

/// Reads the sensors of this machine for whoever asks, however many at once.
///
/// A rate (utilisation, a CPU's power, its throttling) is a mean over the time since the last reading, which is kept
/// between a tenth of a second and two seconds: who asks again sooner gets the same answer, who asks later waits a fifth
/// of a second. Sensors are read on a thread of the monitor's own, as a driver may be slow to answer. From the first reading
/// on counters that go round are followed, so that who asks after hours gets what has been taken meanwhile.
public final class DeviceMonitor: Sendable {
  private static let shortest = Duration.milliseconds(100)
  private static let longest = Duration.seconds(2)
  private static let settling = Duration.milliseconds(200)
  private static let mostWaiting = 64
  /// A counter of energy goes round in half a minute at 2 kW, the soonest.
  static let following = Duration.seconds(20)

  /// Does something after a time.
  typealias Timer = @Sendable (Duration, @escaping @Sendable () -> Void) -> Void

  private struct State {
    var reader: DeviceReader?
    var latest: DeviceReport?
  }

  private let makeReader: @Sendable () -> DeviceReader
  private let later: Timer
  private let start = ContinuousClock.now
  private let queue = DispatchQueue(label: "zoo.devices")
  private let waiting = Atomic<Int>(0)
  /// Held on the queue alone.
  private let state = Mutex(State())

  /// - Parameters:
  ///   - root: a folder that stands for `/`.
  ///   - finder: where NVIDIA's library is looked for.
  public convenience init(root: String = "/", finder: LibraryFinder = LibraryFinder()) {
    self.init(root: root, finder: finder) { delay, body in
      DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + delay / .seconds(1), execute: body)
    }
  }

  init(root: String, finder: LibraryFinder, later: @escaping Timer) {
    self.later = later
    makeReader = {
      let files = SystemFiles(root: root)
      return DeviceReader(
        files: files, device: root == "/" ? .current : CPUDevice(files: files, affinity: CPUDevice.affinity),
        finder: finder)
    }
  }

  /// - Parameter processes: lists the processes on each GPU as well.
  /// - Throws: ``DevicesBusy`` where many wait already: a driver that hangs must not gather all who ask.
  public func report(processes: Bool = false) async throws -> DeviceReport {
    guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= Self.mostWaiting else {
      waiting.wrappingSubtract(1, ordering: .relaxed)
      throw DevicesBusy()
    }
    defer { waiting.wrappingSubtract(1, ordering: .relaxed) }
    return await withCheckedContinuation { continuation in
      queue.async { [self] in
        continuation.resume(returning: state.withLock { read(&$0, processes: processes) })
      }
    }
  }

  /// As long as the monitor is there.
  private func followCounters() {
    later(Self.following) { [weak self] in
      guard let self else { return }
      queue.async { [self] in
        state.withLock { $0.reader?.followCounters() }
        followCounters()
      }
    }
  }

  private func read(_ state: inout State, processes: Bool) -> DeviceReport {
    var age = state.latest.map { start.duration(to: .now) - $0.time }
    if let latest = state.latest, let known = age, known < Self.shortest {
      if !processes { return latest }
      age = nil
    }
    if state.reader == nil { followCounters() }
    var reader = state.reader ?? makeReader()
    if age.map({ $0 > Self.longest }) ?? true {
      _ = reader.read(at: start.duration(to: .now), processes: false)
      usleep(UInt32(Self.settling / .microseconds(1)))
    }
    let report = reader.read(at: start.duration(to: .now), processes: processes)
    state.reader = reader
    // Who asks next may not be allowed to see the processes.
    state.latest = report
    for index in report.devices.indices { state.latest?.devices[index].processes = .success([]) }
    return report
  }
}
