public import ZooBackend

extension CUDABackend {
  /// The bandwidth of copies inside of the card's memory, in bytes a second that are read and written: the best of several
  /// rounds. What only reads can be a little faster, and nothing that reads from memory can be much.
  ///
  /// - Parameter bytes: of what is copied; more than the card's cache holds.
  public func copyBandwidth(bytes: Int = 1 << 30) throws(BackendError) -> Double {
    let copies = 4
    let (source, target, stream) = try device.idleMemory.makingRoom { () throws(BackendError) in
      (
        try DeviceMemory(bytes, on: device, for: "a copy"), try DeviceMemory(bytes, on: device, for: "a copy"),
        try Stream(on: device)
      )
    }
    var best = Duration.seconds(Int64.max / 2)
    for _ in 0..<6 {
      let start = ContinuousClock.now
      for _ in 0..<copies {
        try device.check(
          device.driver.copyOnDeviceAsync(target.address, source.address, bytes, stream.handle), "memory was copied")
      }
      try stream.synchronize("memory was copied")
      best = min(best, .now - start)
    }
    return Double(2 * bytes * copies) / (best / .seconds(1))
  }
}
