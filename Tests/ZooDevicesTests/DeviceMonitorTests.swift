import Foundation
import Synchronization
import Testing
import ZooEventually
import ZooLibraries
import ZooStandIns

@testable import ZooDevices

struct DeviceMonitorTests {
  private let nowhere = LibraryFinder(configured: [], asksLoader: false, folders: [])

  @Test("this machine's own processor is read, and busy while this test keeps it so")
  func thisMachine() async throws {
    let monitor = DeviceMonitor(finder: nowhere)
    let report = try await monitor.report()
    let cpu = try #require(report.devices.first)
    #expect(cpu.id == "cpu")
    #expect(cpu.name == CPUDevice.current.name)
    let total = try #require(cpu.readings[.memoryTotal]?.value)
    let used = try #require(cpu.readings[.memoryUsed]?.value)
    #expect(total == Double(CPUDevice.current.memory))
    #expect(used > 0 && used < total)
    let load = try #require(cpu.readings[.utilization]?.value)
    #expect(load >= 0 && load <= 100)
    // Each sensor has a value that can be, or a reason.
    for (quantity, reading) in cpu.readings {
      switch reading {
      case .success(let value): #expect(value.isFinite && value >= 0, "\(quantity)")
      case .failure(let unavailable): #expect(!unavailable.reason.isEmpty, "\(quantity)")
      }
    }
    #expect(report.notes.count == 1)
  }

  @Test("whoever asks at once gets the same reading, and who asks later a newer one")
  func sharing() async throws {
    let monitor = DeviceMonitor(finder: nowhere)
    let times = try await withThrowingTaskGroup(of: Duration.self) { group in
      for _ in 0..<20 { group.addTask { try await monitor.report().time } }
      return try await group.reduce(into: Set<Duration>()) { $0.insert($1) }
    }
    // The machine may be slow: more than one where answering all takes longer than a reading lasts.
    #expect(times.count < 20)
    try await Task.sleep(for: .milliseconds(120))
    #expect(try await monitor.report().time > times.max()!)
  }

  @Test("a machine's tree and a stand-in for NVML make one report")
  func report() async throws {
    let tree = try MachineTree("intel-desktop")
    let monitor = DeviceMonitor(root: tree.folder.path, finder: try NVMLStandIn(.healthy).finder)
    let report = try await monitor.report(processes: true)
    #expect(report.devices.map(\.id) == ["cpu", "gpu:0", "gpu:1"])
    #expect(report.devices[0].name == "13th Gen Intel(R) Core(TM) i7-13700K")
    #expect(report.devices[0].readings[.power] == .success(0))
    #expect(try report.devices[1].processes.get().count == 101)
    #expect(report.notes.isEmpty)
    // Nobody sees the processes who did not ask for them.
    #expect(try await monitor.report().devices.allSatisfy { $0.processes == .success([]) })
  }

  @Test("energy is counted however often its counter goes round while nobody asks, once somebody has asked")
  func roundAndRound() async throws {
    let tree = try MachineTree("amd-server")
    let timer = HandTimer()
    let monitor = DeviceMonitor(root: tree.folder.path, finder: nowhere, later: timer.start)
    func set(_ microjoules: Int) throws {
      try tree.write("\(microjoules)\n", to: "sys/class/powercap/intel-rapl:0/energy_uj")
    }
    func joules() async throws -> Double {
      try #require(try await monitor.report(processes: true).devices[0].readings[.energy]?.value)
    }
    try set(0)
    #expect(timer.isEmpty)
    let before = try await joules()
    for _ in 0..<3 {
      try set(60_000_000_000)
      #expect(try await timer.expire() == DeviceMonitor.following)
      try set(0)
      #expect(try await timer.expire() == DeviceMonitor.following)
    }
    try set(1_000_000)
    // Up to where each of the counters begins again.
    let range = 65532.610987
    #expect(try await abs(joules() - before - 3 * range - 1) < 1e-6)
  }
}

/// Whose time is over when a test says so.
private final class HandTimer: Sendable {
  private let waiting = Mutex<[(Duration, @Sendable () -> Void)]>([])

  var isEmpty: Bool { waiting.withLock { $0.isEmpty } }

  @Sendable func start(_ delay: Duration, _ body: @escaping @Sendable () -> Void) {
    waiting.withLock { $0.append((delay, body)) }
  }

  /// Waits for the next one, which is started when what the first one does is done.
  ///
  /// - Returns: how long the only one that waits would have waited.
  func expire() async throws -> Duration? {
    let all = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    guard all.count == 1 else { return nil }
    all[0].1()
    try await eventually("the next one is started") { !isEmpty }
    return all[0].0
  }
}
