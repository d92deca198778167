import Foundation
import ZooCPU
import ZooDevices
import ZooProtocol

extension WireMachine {
  /// The computer that this process runs on, as it is now.
  init(_ device: CPUDevice, backend: CPUBackend, started: ContinuousClock.Instant) {
    self.init()
    cpu = device.name
    cores = UInt32(device.coreCount)
    vectorExtensions = "\(backend.instructionSet)"
    memoryBytes = UInt64(device.memory)
    blas = "\(backend.library)"
    residentBytes = Self.currentResidentBytes
    uptimeMs = UInt64(max(0, (ContinuousClock.now - started) / .milliseconds(1)))
  }

  /// Memory of this process that is in RAM: the second number in /proc/self/statm, in pages.
  static var currentResidentBytes: UInt64 {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
      let pages = text.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
    else { return 0 }
    return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
  }
}
