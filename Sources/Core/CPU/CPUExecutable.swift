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
  /// The result depends on nothing but the inputs, the instruction set, the matrix library and, in bfloat16, whether the
  /// processor has AVX-512 BF16 or NEON with BF16: not on the number of threads, and for each item of a batch not on the others.
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
    let given = inputs.map(\.shape)
    if let (count, item) = items(of: given) {
      let plan = try plan(for: item) { try planner.network.graph.shapes(for: item) }
      return try withPointers(to: inputs[...], []) { pointers in
        try pool.expectingLoops(threads: planner.threads) {
          let results = try runItems(count, plan, pointers, steps: item.map(\.elementCount), profile: profile)
          return try planner.network.graph.outputs.indices.map { output in
            try Tensor(joining: results.map { $0[output] }, shape: shapes[planner.network.graph.outputs[output].node])
          }
        }
      }
    }
    let plan = try plan(for: given) { shapes }
    return try withPointers(to: inputs[...], []) { pointers in
      try pool.expectingLoops(threads: planner.threads) {
        try run(plan, pointers, threads: planner.threads, profile: profile)
      }
    }
  }

  private func run(
    _ plan: Plan, _ inputs: [UnsafePointer<Float>], threads: Int, profile: UnsafeMutablePointer<[StepProfile]>? = nil
  ) throws -> [Tensor] {
    try plan.run(
      inputs: inputs, constants: planner.network.constants, pool: pool, threads: threads, profile: profile)
  }

  /// The items of a batch that are computed each by itself, and the shapes of one; nil where they are not.
  private func items(of shapes: [Shape]) -> (count: Int, shapes: [Shape])? {
    guard planner.network.separatesItems, let count = shapes.first?.dimensions.first, count > 1,
      shapes.allSatisfy({ $0.dimensions.first == count })
    else { return nil }
    let one = shapes.compactMap { try? Shape([1] + $0.dimensions.dropFirst()) }
    return one.count == shapes.count ? (count, one) : nil
  }

  /// As many items as there are threads at a time, each on one; those that are left one after the other, on all.
  ///
  /// - Parameters:
  ///   - steps: of each input, from one item to the next.
  ///   - profile: where the steps of all items go, those of one step added up; then one item follows the other.
  private func runItems(
    _ count: Int, _ plan: Plan, _ inputs: [UnsafePointer<Float>], steps: [Int],
    profile: UnsafeMutablePointer<[StepProfile]>?
  ) throws -> [[Tensor]] {
    func pointers(_ item: Int) -> [UnsafePointer<Float>] { zip(inputs, steps).map { $0 + item * $1 } }
    let threads = planner.threads
    let shared = profile == nil && threads > 1 ? count / threads * threads : 0
    let results = Mutex<[Result<[Tensor], any Error>?]>(Array(repeating: nil, count: count))
    pool.parallelFor(shared, threads: threads) { _, item in
      let result = Result { try run(plan, pointers(item), threads: 1) }
      results.withLock { $0[item] = result }
    }
    for item in shared..<count {
      var steps: [StepProfile] = []
      let result = try withUnsafeMutablePointer(to: &steps) {
        try run(plan, pointers(item), threads: threads, profile: profile == nil ? nil : $0)
      }
      results.withLock { $0[item] = .success(result) }
      if let profile { profile.pointee = item == 0 ? steps : zip(profile.pointee, steps).map { $0.adding($1) } }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }

  public var memory: MemoryUse {
    MemoryUse(
      weights: planner.network.memory, activations: plans.withLock { $0.reduce(0) { $0 + $1.plan.memory } })
  }

  /// Makes the plan for inputs of these shapes now.
  func prepare(_ inputs: [Shape]) throws {
    let inputs = items(of: inputs)?.shapes ?? inputs
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

extension Tensor {
  /// Items that lie behind each other: together they have the elements of `shape`.
  fileprivate init(joining items: [Tensor], shape: Shape) throws {
    try self.init(.float32, shape: shape) { target in
      var offset = 0
      for item in items {
        item.withUnsafeBytes { source in
          UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: source)
          offset += source.count
        }
      }
    }
  }
}

extension StepProfile {
  /// The same step of another item as well.
  fileprivate func adding(_ other: StepProfile) -> StepProfile {
    var sum = self
    sum.seconds += other.seconds
    sum.operations += other.operations
    sum.bytes += other.bytes
    return sum
  }
}
