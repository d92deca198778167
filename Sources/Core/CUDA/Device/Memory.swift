import CCUDA
import ZooBackend

/// Memory of the card, freed with its last reference.
///
/// Sendable because of how it is used: weights are written before they are shared, an arena belongs to one call at a time.
final class DeviceMemory: @unchecked Sendable {
  let address: zoo_cu_address
  let byteCount: Int
  private let device: CUDADevice

  /// - Parameter purpose: what it is for, in the message of the error.
  init(_ byteCount: Int, on device: CUDADevice, for purpose: String) throws(BackendError) {
    try device.activate()
    var address: zoo_cu_address = 0
    // The driver refuses to allocate nothing.
    let byteCount = max(byteCount, 1)
    try device.check(
      device.driver.memoryAllocate(&address, byteCount), "\(byteCount >> 20) MiB were taken for \(purpose)")
    self.address = address
    self.byteCount = byteCount
    self.device = device
  }

  /// A copy of bytes of the host.
  convenience init(copying bytes: [UInt8], on device: CUDADevice, for purpose: String) throws(BackendError) {
    try self.init(bytes.count, on: device, for: purpose)
    let result = bytes.withUnsafeBytes { device.driver.copyToDevice(address, $0.baseAddress, $0.count) }
    try device.check(result, "\(purpose) were uploaded")
    // The call returns when the bytes are staged; streams that do not wait for the default one would read too early.
    try device.check(device.driver.streamSynchronize(nil), "\(purpose) were uploaded")
  }

  /// Writes bytes all over, again and again.
  func fill(repeating pattern: [UInt8], over stream: Stream) throws(BackendError) {
    try device.activate()
    var filled = min(pattern.count, byteCount)
    try device.check(
      pattern.withUnsafeBytes { device.driver.copyToDevice(address, $0.baseAddress, filled) }, "memory was filled")
    try device.check(device.driver.streamSynchronize(nil), "memory was filled")
    // What is there is copied behind itself, so that it doubles each time.
    while filled < byteCount {
      let count = min(filled, byteCount - filled)
      try device.check(
        device.driver.copyOnDeviceAsync(address + UInt64(filled), address, count, stream.handle), "memory was filled")
      filled += count
    }
    try stream.synchronize("memory was filled")
  }

  /// A copy of some bytes in the host's memory.
  func bytes(from start: Int, count: Int, over stream: Stream) throws(BackendError) -> [UInt8] {
    try device.activate()
    var bytes = [UInt8](repeating: 0, count: count)
    let result = bytes.withUnsafeMutableBytes {
      // Into memory that is not pinned it is done when the stream is.
      let result = device.driver.copyToHostAsync($0.baseAddress, address + UInt64(start), count, stream.handle)
      return result == success ? device.driver.streamSynchronize(stream.handle) : result
    }
    try device.check(result, "results were fetched")
    return bytes
  }

  deinit {
    // A device that is lost has lost its memory as well.
    guard (try? device.activate()) != nil else { return }
    _ = device.driver.memoryFree(address)
  }
}

/// Memory of the host that the card reads and writes by itself.
final class PinnedMemory: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  private let device: CUDADevice

  init(_ byteCount: Int, on device: CUDADevice) throws(BackendError) {
    try device.activate()
    var base: UnsafeMutableRawPointer?
    try device.check(
      device.driver.hostAllocate(&base, max(byteCount, 1), 0), "\(byteCount >> 20) MiB of the host were pinned")
    guard let base else { throw BackendError(.outOfMemory, "the driver pins no memory of the host") }
    self.base = base
    self.device = device
  }

  deinit {
    guard (try? device.activate()) != nil else { return }
    _ = device.driver.hostFree(base)
  }
}
