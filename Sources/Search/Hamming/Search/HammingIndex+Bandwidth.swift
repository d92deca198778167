import CZooHamming

extension HammingIndex {
  /// The bandwidth with which the index's threads read memory, in bytes a second: the best of several rounds over 512 MiB,
  /// more than last-level caches have. No scan of codes that are not in a cache can be faster.
  public func readBandwidth() throws(HammingIndexError) -> Double {
    let bytes = 512 << 20
    let buffer = try Buffer(bytes: bytes)
    buffer.address.initializeMemory(as: UInt8.self, repeating: 0x5A, count: bytes)
    var best = Duration.seconds(Int64.max / 2)
    for _ in 0..<5 {
      best = min(
        best,
        ContinuousClock().measure {
          blackHole(zoo_hamming_read(engine.pool, engine.instructionSet.kernels, buffer.address, bytes))
        })
    }
    withExtendedLifetime(buffer) {}
    return Double(bytes) / (best / .seconds(1))
  }
}

/// Keeps the compiler from leaving out what computes `value`.
@inline(never)
private func blackHole(_ value: UInt64) {}
