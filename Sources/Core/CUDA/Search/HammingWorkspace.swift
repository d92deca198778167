import CCUDA
import ZooBackend

/// What one search at a time needs besides the codes.
///
/// Sendable because whoever has the codes' lock has it alone.
final class HammingWorkspace: @unchecked Sendable {
  let foundSize: Int
  private let device: CUDADevice
  private let stream: Stream
  private let queries, found, nearest: DeviceMemory
  /// Queries, and behind them answers.
  private let host: PinnedMemory
  private let queriesSize: Int

  init(words: Int, foundSize: Int, on device: CUDADevice) throws(BackendError) {
    let answersSize = 8 * HammingCodes.mostQueries * HammingCodes.mostNeighbours
    self.foundSize = foundSize
    self.device = device
    queriesSize = 4 * HammingCodes.mostQueries * words
    queries = try DeviceMemory(queriesSize, on: device, for: "queries")
    found = try DeviceMemory(foundSize, on: device, for: "neighbours")
    nearest = try DeviceMemory(answersSize, on: device, for: "neighbours")
    host = try PinnedMemory(queriesSize + answersSize, on: device)
    stream = try Stream(on: device)
  }

  func run(
    _ scan: HammingScan, queries words: [[UInt32]], arguments: zoo_hamming_arguments, library: KernelLibrary
  ) throws(BackendError) -> [[HammingCodes.Neighbour]] {
    let driver = device.driver
    try device.activate()
    let all = words.flatMap(\.self)
    all.withUnsafeBytes { host.base.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    try device.check(
      driver.copyToDeviceAsync(queries.address, host.base, 4 * all.count, stream.handle), "queries were sent")
    var arguments = arguments
    arguments.queries = queries.address
    arguments.found = found.address
    arguments.nearest = nearest.address
    try library.start(Launch(scan.kernel, blocks: scan.blocks, arguments), on: stream)
    try library.start(Launch(.hammingMerge, blocks: scan.queries, arguments), on: stream)
    let answers = host.base + queriesSize
    try device.check(
      driver.copyToHostAsync(answers, nearest.address, 8 * scan.queries * scan.k, stream.handle),
      "neighbours were fetched")
    try stream.synchronize("codes were searched")
    let keys = UnsafeBufferPointer(
      start: answers.assumingMemoryBound(to: UInt64.self), count: scan.queries * scan.k)
    return (0..<scan.queries).map { query in
      keys[query * scan.k..<(query + 1) * scan.k].map {
        HammingCodes.Neighbour(distance: Int($0 >> 32), number: UInt32(truncatingIfNeeded: $0))
      }
    }
  }
}
