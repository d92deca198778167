import Foundation
import Testing
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
}
