import ZooLibraries

/// Reads the sensors of all processors. Rates are over the time since the last reading.
struct DeviceReader {
  private var cpu: CPUReader
  private var gpus: NVIDIAReader

  init(files: SystemFiles, device: CPUDevice, finder: LibraryFinder) {
    cpu = CPUReader(files: files, device: device)
    gpus = NVIDIAReader(files: files, finder: finder)
  }

  /// - Parameter time: by any clock that never goes back.
  mutating func read(at time: Duration, processes: Bool) -> DeviceReport {
    let gpus = gpus.read(at: time, processes: processes)
    return DeviceReport(devices: [cpu.read(at: time)] + gpus.devices, notes: gpus.notes, time: time)
  }

  /// Keeps up with counters that go round. Rates are still over the time since the last reading.
  mutating func followCounters() { cpu.followCounters() }
}
