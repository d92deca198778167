import Foundation
import Glibc
import Testing

@testable import ZooDevices

struct CPUReaderTests {
  private let tree: MachineTree

  init() throws { tree = try MachineTree("intel-desktop") }

  private func reader() -> CPUReader {
    CPUReader(files: tree.files, device: CPUDevice(files: tree.files, affinity: 2))
  }

  @Test("what does not depend on time is there at once")
  func gauges() {
    var reader = reader()
    let status = reader.read(at: .zero)
    #expect(status.id == "cpu")
    #expect(status.cores == 2)
    #expect(status.readings[.temperature] == .success(63.5))
    #expect(status.readings[.clock] == .success(3500))
    #expect(status.readings[.clockMaximum] == .success(5400))
    #expect(status.readings[.memoryTotal] == .success(32_768_000 * 1024))
    #expect(status.readings[.memoryUsed] == .success(8_192_000 * 1024))
    #expect(status.readings[.memoryFree] == .success(24_576_000 * 1024))
    for rate in [Quantity.utilization, .power, .throttled] {
      #expect(status.readings[rate] == .failure(CPUReader.first))
    }
    // A CPU has no such thing.
    for foreign in [Quantity.fan, .memoryClock, .powerLimit] { #expect(status.readings[foreign] == nil) }
  }

  @Test("rates are over the time between two readings: 1500 of 2000 ticks, 130 J in 2 s")
  func rates() throws {
    var reader = reader()
    _ = reader.read(at: .seconds(10))
    // 1400 more in user, 100 in system, 300 idle, 200 waiting for input and output.
    try tree.write("cpu  2400 10 300 8300 290 5 15 0 700 0\n", to: "proc/stat")
    try tree.write("140000000\n", to: "sys/class/powercap/intel-rapl:0/energy_uj")
    try tree.write("95000000000\n", to: "sys/class/powercap/intel-rapl:1/energy_uj")
    let status = reader.read(at: .seconds(12))
    #expect(status.readings[.utilization] == .success(75))
    // Neither the core's part of the package, nor the board's, nor the package for a second time.
    #expect(status.readings[.power]?.value.map { abs($0 - 65) < 1e-9 } == true)
    #expect(status.readings[.energy]?.value.map { abs($0 - 130) < 1e-9 } == true)
    #expect(status.readings[.throttled] == .success(0))
    #expect(status.throttleReasons.isEmpty)
  }

  @Test("heat that slowed a core down since the last reading is throttling, and is over with the next")
  func throttling() throws {
    var reader = reader()
    _ = reader.read(at: .zero)
    try tree.write("3\n", to: "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count")
    let hot = reader.read(at: .seconds(1))
    #expect(hot.readings[.throttled] == .success(1))
    #expect(hot.throttleReasons == ["heat"])
    let cool = reader.read(at: .seconds(2))
    #expect(cool.readings[.throttled] == .success(0))
    #expect(cool.throttleReasons.isEmpty)
  }

  @Test("sensors whose modules are loaded later are found by a reader that is there already")
  func loadedLater() throws {
    let (powercap, hwmon) = (
      tree.folder.appending(path: "sys/class/powercap"), tree.folder.appending(path: "sys/class/hwmon")
    )
    let aside = tree.folder.appending(path: "aside")
    try FileManager.default.createDirectory(at: aside, withIntermediateDirectories: true)
    for folder in [powercap, hwmon] {
      try FileManager.default.moveItem(at: folder, to: aside.appending(path: folder.lastPathComponent))
    }
    var reader = reader()
    let before = reader.read(at: .zero)
    #expect(before.readings[.energy] == .failure(EnergyCounters.missing))
    #expect(before.readings[.temperature] == .failure(TemperatureSensor.missing))
    for folder in [powercap, hwmon] {
      try FileManager.default.moveItem(at: aside.appending(path: folder.lastPathComponent), to: folder)
    }
    let after = reader.read(at: .seconds(1))
    #expect(after.readings[.energy] == .success(0))
    #expect(after.readings[.temperature] == .success(63.5))
  }

  @Test("times that stand still, or go back, give no nonsense")
  func standstill() throws {
    var reader = reader()
    _ = reader.read(at: .zero)
    let same = reader.read(at: .zero)
    #expect(same.readings[.utilization]?.reason?.contains("ask again") == true)
    #expect(same.readings[.power]?.reason?.contains("ask again") == true)
    // The time spent waiting for input and output may shrink.
    try tree.write("cpu  1000 10 200 9000 95 5 15 0 300 0\n", to: "proc/stat")
    #expect(reader.read(at: .seconds(1)).readings[.utilization] == .success(0))
    try tree.write("cpu  1 1 1 1\n", to: "proc/stat")
    #expect(reader.read(at: .seconds(2)).readings[.utilization]?.value == nil)
  }

  @Test("AMD's Tctl is left out where the die's own temperature is there, and its limits are the control group's")
  func amd() throws {
    let tree = try MachineTree("amd-server")
    var reader = CPUReader(files: tree.files, device: CPUDevice(files: tree.files, affinity: 4))
    let status = reader.read(at: .zero)
    #expect(status.readings[.temperature] == .success(64))
    // From /proc/cpuinfo, as there is no frequency scaling: 3200.5, 3210.5, 3220.5 and 3230.5
    #expect(status.readings[.clock] == .success(3215.5))
    #expect(status.readings[.clockMaximum] == .failure(ProcessorClocks.missing))
    #expect(status.readings[.throttled] == .failure(ThrottleCounters.missing))
    #expect(status.readings[.memoryTotal] == .success(0x1p30))
    #expect(status.readings[.memoryUsed] == .success(536_870_912))
    #expect(status.readings[.memoryFree] == .success(536_870_912))
    try tree.remove("sys/class/hwmon/hwmon0/temp2_label")
    #expect(reader.read(at: .seconds(1)).readings[.temperature] == .success(72.125))
  }

  @Test("a control group that does not tell what it has taken is said to, and is not empty")
  func silentControlGroup() throws {
    let tree = try MachineTree("amd-server")
    try tree.remove("sys/fs/cgroup/system.slice/docker-0a1b.scope/memory.current")
    var reader = CPUReader(files: tree.files, device: CPUDevice(files: tree.files, affinity: 4))
    let status = reader.read(at: .zero)
    #expect(status.readings[.memoryTotal] == .success(0x1p30))
    #expect(status.readings[.memoryUsed]?.reason?.contains("does not tell") == true)
    #expect(status.readings[.memoryFree]?.reason?.contains("does not tell") == true)
  }

  @Test("without sensors every reading says what is missing, and none is 0")
  func nothing() {
    var reader = CPUReader(
      files: SystemFiles(root: "/nowhere"), device: CPUDevice(files: SystemFiles(root: "/nowhere"), affinity: 1))
    for time in 0..<2 {
      let status = reader.read(at: .seconds(time))
      #expect(status.readings.count == 10)
      for (quantity, reading) in status.readings { #expect(reading.reason?.isEmpty == false, "\(quantity)") }
    }
    #expect(reader.read(at: .seconds(3)).readings[.power] == .failure(EnergyCounters.missing))
    #expect(reader.read(at: .seconds(4)).readings[.temperature] == .failure(TemperatureSensor.missing))
  }

  @Test("garbage is quoted, and nothing comes of it")
  func hostile() throws {
    let tree = try MachineTree("hostile")
    let device = CPUDevice(files: tree.files, affinity: 2)
    #expect(device.coreCount == 2)
    #expect(device.name == "unknown processor")
    #expect(device.memory == .max)
    #expect(device.limits.isEmpty)
    var reader = CPUReader(files: tree.files, device: device)
    for time in 0..<3 {
      let status = reader.read(at: .seconds(time))
      for (quantity, reading) in status.readings { #expect(reading.value == nil, "\(quantity) is \(reading)") }
      #expect(status.readings[.temperature]?.reason?.contains("\"hot\"") == true)
      #expect(status.readings[.energy]?.reason?.contains("energy_uj has \"\"") == true)
      #expect(status.readings[.memoryTotal]?.reason?.contains("MemTotal: -5 kB") == true)
      #expect(status.readings[.utilization]?.reason?.contains("18446744073709551615") == true)
    }
  }
}
