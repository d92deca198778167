public import ZooBackend
import ZooGraph
public import ZooTensor
import Synchronization

/// A network that is ready to run on the CPU. Made by ``CPUBackend``.
public final class CPUExecutable: Executable {
  /// Plans that are kept: the most recently used input shapes.
  public static let maximumPlanCount = 8

  private let planner: Planner
  private let pool: ThreadPool
  /// The most recently used last.
  private let plans = Mutex<[(inputs: [Shape], plan: Plan)]>([])

  init(planner: Planner, pool: ThreadPool) {
    self.planner = planner
    self.pool = pool
  }

  /// Runs the network; several calls at once are safe and take turns on the threads.
  ///
  /// The result depends on nothing but the inputs, the instruction set and the matrix library: not on the number of
  /// threads, and for each item of a batch not on the others.
  ///
  /// - Throws: ``BackendError`` for inputs that do not fit, or that need more memory than is allowed.
  public func run(_ inputs: [Tensor]) throws -> [Tensor] {
    try run(inputs, profile: nil)
  }

  /// Runs the network once and says what each step cost.
  public func profile(_ inputs: [Tensor]) throws -> [StepProfile] {
    var steps: [StepProfile] = []
    _ = try withUnsafeMutablePointer(to: &steps) { try run(inputs, profile: $0) }
    return steps
  }

  private func run(_ inputs: [Tensor], profile: UnsafeMutablePointer<[StepProfile]>?) throws -> [Tensor] {
    let shapes = try planner.network.graph.validate(inputs)
    let plan = try plan(for: inputs.map(\.shape)) { shapes }
    return try withPointers(to: inputs[...], []) { pointers in
      try pool.expectingLoops {
        try plan.run(
          inputs: pointers, constants: planner.network.constants, pool: pool, threads: planner.threads,
          profile: profile)
      }
    }
  }

  public var memory: MemoryUse {
    MemoryUse(
      weights: planner.network.memory, activations: plans.withLock { $0.reduce(0) { $0 + $1.plan.memory } })
  }

  /// Makes the plan for inputs of these shapes now.
  func prepare(_ inputs: [Shape]) throws {
    _ = try plan(for: inputs) { try planner.network.graph.shapes(for: inputs) }
  }

  /// Input shapes that there are plans for, the most recently used last.
  var plannedInputs: [[Shape]] { plans.withLock { $0.map(\.inputs) } }

  private func plan(for inputs: [Shape], shapes: () throws -> [Shape]) throws -> Plan {
    let known = plans.withLock { plans -> Plan? in
      guard let index = plans.firstIndex(where: { $0.inputs == inputs }) else { return nil }
      let entry = plans.remove(at: index)
      plans.append(entry)
      return entry.plan
    }
    if let known { return known }
    // Outside the lock: planning takes milliseconds. Two calls may both plan; one plan is kept.
    let plan = try planner.plan(shapes: try shapes())
    return plans.withLock { plans in
      if let entry = plans.first(where: { $0.inputs == inputs }) { return entry.plan }
      plans.append((inputs, plan))
      if plans.count > Self.maximumPlanCount { plans.removeFirst() }
      return plan
    }
  }

  private func withPointers<Result>(
    to inputs: ArraySlice<Tensor>, _ pointers: [UnsafePointer<Float>],
    _ body: ([UnsafePointer<Float>]) throws -> Result
  ) throws -> Result {
    guard let first = inputs.first else { return try body(pointers) }
    return try first.withUnsafeBytes { bytes in
      // Inputs have at least one element, so there is a base.
      let base = bytes.baseAddress!
      if UInt(bitPattern: base) % UInt(MemoryLayout<Float>.alignment) == 0 {
        let pointer = base.assumingMemoryBound(to: Float.self)
        return try withPointers(to: inputs.dropFirst(), pointers + [pointer], body)
      }
      let copy = try AlignedBuffer(count: first.shape.elementCount, for: "an input")
      UnsafeMutableRawPointer(copy.base).copyMemory(from: base, byteCount: bytes.count)
      return try withExtendedLifetime(copy) {
        try withPointers(to: inputs.dropFirst(), pointers + [UnsafePointer(copy.base)], body)
      }
    }
  }
}
