import Synchronization
import ZooBackend
import ZooTensor

/// A network for given input shapes: what runs in which order, and where every result lies.
final class Plan: Sendable {
  /// Where the elements of a value are.
  enum Place: Sendable, Hashable {
    /// In the tensor that is fed at this position.
    case input(Int)
    /// Among the network's weights, by node.
    case constant(Int)
    /// In the arena, in floats from its start.
    case arena(Int)
  }

  struct Step: Sendable {
    let name: String
    let kernel: any Kernel
    let operands: [Place]
    /// What is added to the result.
    let addend: Place?
    /// Of the first operand, which is normalised as it is read.
    let statistics: Place?
    /// In floats from the start of the arena.
    let result: Int
    /// Where the statistics of the result go.
    let resultStatistics: Int?
    let cost: Cost
  }

  /// What a step has to do, however it does it.
  struct Cost: Sendable {
    /// Multiplications and additions.
    var operations = 0
    /// Operands, result and weights, each counted once.
    var bytes = 0
  }

  /// The memory of one call.
  struct Frame {
    let inputs: [UnsafePointer<Float>]
    let constants: [AlignedBuffer?]
    let arena: UnsafeMutablePointer<Float>
    let scratch: UnsafeMutablePointer<Float>
    let pool: ThreadPool
    let threads: Int

    func pointer(to place: Place) -> UnsafePointer<Float> {
      switch place {
      case .input(let position): inputs[position]
      case .constant(let id): UnsafePointer(constants[id]!.base)  // The planner places no other constants.
      case .arena(let offset): UnsafePointer(arena + offset)
      }
    }
  }

  let steps: [Step]
  let outputs: [(place: Place, shape: Shape)]
  /// Floats of intermediate results; scratch lies behind them.
  let arenaSize: Int
  let scratchSize: Int
  /// Arenas that no call uses now.
  private let idle = Mutex<[AlignedBuffer]>([])
  private let allocatedBytes = Atomic<Int>(0)
  /// Idle arenas that are kept; more are only there while so many calls run at once.
  private let keptArenas: Int

  init(
    steps: [Step], outputs: [(place: Place, shape: Shape)], arenaSize: Int, scratchSize: Int, keptArenas: Int
  ) {
    self.keptArenas = keptArenas
    self.steps = steps
    self.outputs = outputs
    self.arenaSize = arenaSize
    self.scratchSize = scratchSize
  }

  /// Bytes of all arenas of this plan.
  var memory: Int { allocatedBytes.load(ordering: .relaxed) }

  func run(
    inputs: [UnsafePointer<Float>], constants: [AlignedBuffer?], pool: ThreadPool, threads: Int,
    profile: UnsafeMutablePointer<[StepProfile]>? = nil
  ) throws -> [Tensor] {
    let buffer = try borrowArena()
    defer { giveBack(buffer) }
    let frame = Frame(
      inputs: inputs, constants: constants, arena: buffer.base, scratch: buffer.base + arenaSize, pool: pool,
      threads: threads)
    for step in steps {
      let call = KernelCall(step: step, frame: frame, output: buffer.base + step.result)
      guard let profile else {
        step.kernel.run(call)
        continue
      }
      let duration = ContinuousClock().measure { step.kernel.run(call) }
      profile.pointee.append(
        StepProfile(
          name: step.name, algorithm: step.kernel.algorithm, seconds: duration / .seconds(1),
          operations: step.cost.operations, bytes: step.cost.bytes))
    }
    return try outputs.map { output in
      try Tensor(.float32, shape: output.shape) { bytes in
        bytes.copyMemory(
          from: UnsafeRawBufferPointer(start: frame.pointer(to: output.place), count: bytes.count))
      }
    }
  }

  private func borrowArena() throws(BackendError) -> AlignedBuffer {
    if let buffer = idle.withLock({ $0.popLast() }) { return buffer }
    let buffer = try AlignedBuffer(count: arenaSize + scratchSize, for: "intermediate results")
    allocatedBytes.wrappingAdd(buffer.byteCount, ordering: .relaxed)
    return buffer
  }

  private func giveBack(_ buffer: AlignedBuffer) {
    let isKept = idle.withLock { idle in
      guard idle.count < keptArenas else { return false }
      idle.append(buffer)
      return true
    }
    if !isKept { allocatedBytes.wrappingSubtract(buffer.byteCount, ordering: .relaxed) }
  }
}
