import CCUDA
import ZooBackend

/// A point in a stream whose time the card takes.
final class Event {
  private let handle: zoo_cu_event
  private let device: CUDADevice

  init(on device: CUDADevice) throws(BackendError) {
    var handle: zoo_cu_event?
    try device.check(device.driver.eventCreate(&handle, 0), "an event was made")
    guard let handle else { throw BackendError(.internalFailure, "the driver gives no event") }
    self.handle = handle
    self.device = device
  }

  func record(on stream: Stream) throws(BackendError) {
    try device.check(device.driver.eventRecord(handle, stream.handle), "an event was recorded")
  }

  func seconds(until later: Event) throws(BackendError) -> Double {
    var milliseconds: Float = 0
    try device.check(device.driver.eventElapsedTime(&milliseconds, handle, later.handle), "time was taken")
    return Double(milliseconds) / 1000
  }

  deinit { _ = device.driver.eventDestroy(handle) }
}
