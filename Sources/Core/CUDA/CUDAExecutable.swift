public import ZooBackend
import ZooGraph
public import ZooTensor
import Synchronization

/// A network that is ready to run on a GPU. Made by ``CUDABackend``.
public final class CUDAExecutable: Executable, IdleMemoryHolder {
  /// Plans that are kept: the most recently used input shapes.
  public static let maximumPlanCount = 8

  private struct Entry {
    let inputs: [Shape]
    let plan: Plan
    /// Lanes that no call uses now.
    var idle: [Lane] = []
  }

  private let planner: Planner
  /// Lanes of a plan that are kept; more are only there while so many calls run at once.
  private let keptLanes: Int
  /// The most recently used last.
  private let entries = Mutex<[Entry]>([])
  private let laneBytes = Atomic<Int>(0)
  private let latestUse = Atomic<Int>(0)
  private var device: CUDADevice { planner.network.device }

  init(_ network: Network, keptLanes: Int) {
    planner = Planner(network: network)
    self.keptLanes = max(1, keptLanes)
    device.idleMemory.add(self)
  }

  /// Runs the network; several calls at once are safe, each on a stream of its own.
  ///
  /// - Throws: ``BackendError``: `invalidInput` for inputs that do not fit, `outOfMemory` where the card has no room,
  ///   `internalFailure` where it failed, `deviceLost` where it failed for good, and `unavailable` from then on.
  public func run(_ inputs: [Tensor]) throws -> [Tensor] { try run(from: inputs.map(NetworkInput.tensor)) }

  public var largestPicture: Int { PictureStage.mostPixelBytes }

  /// The same for pictures: the card resamples and normalises them where they have room, see ``PictureStage``.
  public func run(from inputs: [NetworkInput]) throws -> [Tensor] {
    let shapes = try planner.network.graph.validate(inputs)
    return try withLane(for: inputs.map(\.shape), shapes) { try $0.run(inputs) }
  }

  /// Runs the network once, step by step, and says what each step cost.
  public func profile(_ inputs: [Tensor]) throws -> [StepProfile] {
    let shapes = try planner.network.graph.validate(inputs)
    let plan = try plan(for: inputs.map(\.shape), shapes)
    let seconds = try withLane(for: inputs.map(\.shape), shapes) { try $0.measure(inputs) }
    return zip(plan.steps, seconds).map { step, seconds in
      StepProfile(
        name: step.name, algorithm: step.work.algorithm, seconds: seconds, operations: step.operations,
        bytes: step.bytes)
    }
  }

  public var memory: MemoryUse {
    MemoryUse(weights: planner.network.memory, activations: laneBytes.load(ordering: .relaxed))
  }

  /// Makes the plan for inputs of these shapes now, of the kernels that are fastest, and a lane for the first call.
  func prepare(_ inputs: [Shape]) throws {
    let shapes = try planner.network.graph.shapes(for: inputs)
    _ = try plan(for: inputs, shapes, tries: true)
    try withLane(for: inputs, shapes) { _ in }
  }

  private func plan(for inputs: [Shape], _ shapes: [Shape], tries: Bool = false) throws -> Plan {
    let known = entries.withLock { entries -> Plan? in
      guard let index = entries.firstIndex(where: { $0.inputs == inputs }) else { return nil }
      entries.append(entries.remove(at: index))
      return entries.last?.plan
    }
    if let known { return known }
    // Outside the lock: planning takes time. Two calls may both plan; one plan is kept.
    let plan = try planner.plan(shapes: shapes, tries: tries)
    let dropped = entries.withLock { entries -> [Lane] in
      if entries.contains(where: { $0.inputs == inputs }) { return [] }
      entries.append(Entry(inputs: inputs, plan: plan))
      return entries.count > Self.maximumPlanCount ? entries.removeFirst().idle : []
    }
    discard(dropped)
    return plan
  }

  private func withLane<Result>(
    for inputs: [Shape], _ shapes: [Shape], _ body: (Lane) throws -> Result
  ) throws -> Result {
    latestUse.store(device.idleMemory.tick(), ordering: .relaxed)
    let plan = try plan(for: inputs, shapes)
    let lane = try borrow(for: inputs) ?? makeLane(plan)
    do {
      let result = try body(lane)
      giveBack(lane, for: inputs)
      return result
    } catch {
      // Whatever went wrong, what the lane holds is of no use to the next call.
      discard([lane])
      throw error
    }
  }

  private func borrow(for inputs: [Shape]) -> Lane? {
    entries.withLock { entries in
      guard let index = entries.firstIndex(where: { $0.inputs == inputs }) else { return nil }
      return entries[index].idle.popLast()
    }
  }

  private func makeLane(_ plan: Plan) throws(BackendError) -> Lane {
    let lane = try device.idleMemory.makingRoom(for: self) { () throws(BackendError) in
      try Lane(plan, on: device, library: planner.network.library)
    }
    laneBytes.wrappingAdd(lane.byteCount, ordering: .relaxed)
    return lane
  }

  var lastUse: Int { latestUse.load(ordering: .relaxed) }

  func releaseIdle() -> Bool {
    let lanes = entries.withLock { entries in
      entries.indices.flatMap { index in
        defer { entries[index].idle = [] }
        return entries[index].idle
      }
    }
    discard(lanes)
    // Here they go, and what they hold.
    return !lanes.isEmpty
  }

  private func giveBack(_ lane: Lane, for inputs: [Shape]) {
    let isKept = entries.withLock { entries in
      guard let index = entries.firstIndex(where: { $0.inputs == inputs }),
        entries[index].idle.count < keptLanes
      else { return false }
      entries[index].idle.append(lane)
      return true
    }
    if !isKept { discard([lane]) }
  }

  private func discard(_ lanes: [Lane]) {
    for lane in lanes { laneBytes.wrappingSubtract(lane.byteCount, ordering: .relaxed) }
  }
}
