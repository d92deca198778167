import CCUDA
import ZooBackend
import ZooTensor

/// What one call at a time needs for a plan: a stream, an arena, pinned memory, and its work captured, all but the inputs'.
///
/// Sendable because it belongs to one call at a time.
final class Lane: @unchecked Sendable {
  private let plan: Plan
  private let library: KernelLibrary
  private let device: CUDADevice
  private let stream: Stream
  private let arena: DeviceMemory
  private let host: PinnedMemory
  private var graph: CapturedGraph?

  /// Bytes in the card's memory.
  var byteCount: Int { arena.byteCount }

  /// - Parameter library: has the kernel that makes tensors of pictures.
  init(_ plan: Plan, on device: CUDADevice, library: KernelLibrary) throws(BackendError) {
    self.plan = plan
    self.library = library
    self.device = device
    arena = try DeviceMemory(plan.arenaSize, on: device, for: "intermediate results")
    host = try PinnedMemory(plan.hostSize, on: device)
    stream = try Stream(on: device)
    graph = try CapturedGraph(on: stream, of: device) { () throws(BackendError) in
      for step in plan.steps { try self.start(step) }
      try self.download()
    }
  }

  func run(_ inputs: [NetworkInput]) throws -> [Tensor] {
    try device.activate()
    try upload(inputs)
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
    try device.activate()
    let events = try (0...plan.steps.count).map { _ in try Event(on: device) }
    try upload(inputs.map(NetworkInput.tensor))
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

  private func upload(_ inputs: [NetworkInput]) throws {
    for (transfer, input) in zip(plan.uploads, inputs) {
      if case .picture(let picture) = input, let stage = plan.pictureStage,
        let staged = StagedPicture(picture, in: stage)
      {
        try upload(staged, through: stage, to: transfer.place)
        continue
      }
      try input.tensor().withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(start: host.base + transfer.hostOffset, count: transfer.byteCount)
          .copyMemory(from: bytes)
      }
      try send(transfer.byteCount, from: transfer.hostOffset, to: address(of: transfer.place))
    }
  }

  private func upload(
    _ picture: StagedPicture, through stage: PictureStage, to place: Place
  ) throws(BackendError) {
    let target = address(of: .arena(stage.offset))
    picture.write(to: host.base + stage.hostOffset)
    try send(picture.byteCount, from: stage.hostOffset, to: target)
    for launch in picture.launches(stage: target, values: address(of: place)) { try library.start(launch, on: stream) }
  }

  private func send(_ byteCount: Int, from hostOffset: Int, to target: UInt64) throws(BackendError) {
    try device.check(
      device.driver.copyToDeviceAsync(target, host.base + hostOffset, byteCount, stream.handle), "the inputs were sent")
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
