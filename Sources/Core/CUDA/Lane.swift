import CCUDA
import ZooBackend
import ZooTensor

/// What one call at a time needs for a plan: a stream, an arena, pinned memory, and all its work captured.
///
/// Sendable because it belongs to one call at a time.
final class Lane: @unchecked Sendable {
  private let plan: Plan
  private let device: CUDADevice
  private let stream: Stream
  private let arena: DeviceMemory
  private let host: PinnedMemory
  private var graph: CapturedGraph?

  /// Bytes in the card's memory.
  var byteCount: Int { arena.byteCount }

  init(_ plan: Plan, on device: CUDADevice) throws(BackendError) {
    self.plan = plan
    self.device = device
    arena = try DeviceMemory(plan.arenaSize, on: device, for: "intermediate results")
    host = try PinnedMemory(plan.hostSize, on: device)
    stream = try Stream(on: device)
    graph = try CapturedGraph(on: stream, of: device) { () throws(BackendError) in
      try self.upload()
      for step in plan.steps { try self.start(step) }
      try self.download()
    }
  }

  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    try fill(inputs)
    try device.activate()
    try graph?.launch(on: stream)
    try stream.synchronize("the network ran")
    return try plan.downloads.map { transfer, shape in
      try Tensor(.float32, shape: shape) { bytes in
        bytes.copyMemory(
          from: UnsafeRawBufferPointer(start: host.base + transfer.hostOffset, count: transfer.byteCount))
      }
    }
  }

  /// Runs the network step by step.
  ///
  /// - Returns: the seconds of each.
  func measure(_ inputs: [Tensor]) throws -> [Double] {
    try fill(inputs)
    try device.activate()
    let events = try (0...plan.steps.count).map { _ in try Event(on: device) }
    try upload()
    try events[0].record(on: stream)
    for (index, step) in plan.steps.enumerated() {
      try start(step)
      try events[index + 1].record(on: stream)
    }
    try stream.synchronize("the network ran")
    return try zip(events, events.dropFirst()).map { try $0.seconds(until: $1) }
  }

  /// What is under way ends before its memory goes.
  deinit {
    guard (try? device.activate()) != nil else { return }
    _ = device.driver.streamSynchronize(stream.handle)
    // Before the plan, of which a graph may use what a library made.
    graph = nil
  }

  private func fill(_ inputs: [Tensor]) throws {
    for (transfer, input) in zip(plan.uploads, inputs) {
      input.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(start: host.base + transfer.hostOffset, count: transfer.byteCount)
          .copyMemory(from: bytes)
      }
    }
  }

  private func upload() throws(BackendError) {
    for transfer in plan.uploads {
      try device.check(
        device.driver.copyToDeviceAsync(
          address(of: transfer.place), host.base + transfer.hostOffset, transfer.byteCount, stream.handle),
        "the inputs were sent")
    }
  }

  private func download() throws(BackendError) {
    for (transfer, _) in plan.downloads {
      try device.check(
        device.driver.copyToHostAsync(
          host.base + transfer.hostOffset, address(of: transfer.place), transfer.byteCount, stream.handle),
        "the results were fetched")
    }
  }

  private func start(_ step: Plan.Step) throws(BackendError) {
    try step.work.start(plan.arena(at: arena.address), stream)
  }

  private func address(of place: Place) -> UInt64 { plan.arena(at: arena.address).address(of: place) }
}
