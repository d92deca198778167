import CZooKernels
import ZooGraph

/// How one step of a plan is computed, for shapes that are known.
protocol Kernel: Sendable {
  var scratch: Scratch { get }
  /// How the result is computed, in a word or two.
  var algorithm: String { get }
  func run(_ call: KernelCall)
}

extension Kernel {
  var scratch: Scratch { Scratch() }
}

/// Floats that a step needs while it runs.
struct Scratch: Sendable, Hashable {
  /// For all threads together.
  var shared = 0
  /// For each thread.
  var perThread = 0

  func floatCount(threads: Int) -> Int {
    shared.roundedUp(to: Self.unit) + perThread.roundedUp(to: Self.unit) * threads
  }

  /// One cache line, so that threads do not write to the same one.
  static let unit = 16
}

/// What a kernel gets to work with.
struct KernelCall {
  let step: Plan.Step
  let frame: Plan.Frame
  let output: UnsafeMutablePointer<Float>

  func input(_ position: Int) -> UnsafePointer<Float> { frame.pointer(to: step.operands[position]) }

  var addend: UnsafePointer<Float>? { step.addend.map(frame.pointer(to:)) }

  /// Mean, scale and shift of the first operand, `[N][3][C]`.
  var statistics: UnsafePointer<Float>? { step.statistics.map(frame.pointer(to:)) }

  /// Where those of the result go.
  var resultStatistics: UnsafeMutablePointer<Float>? { step.resultStatistics.map { frame.arena + $0 } }

  var sharedScratch: UnsafeMutablePointer<Float> { frame.scratch }

  func threadScratch(_ worker: Int) -> UnsafeMutablePointer<Float> {
    let scratch = step.kernel.scratch
    return frame.scratch + scratch.shared.roundedUp(to: Scratch.unit)
      + worker * scratch.perThread.roundedUp(to: Scratch.unit)
  }

  /// Spreads a loop over the threads that this call may use.
  func parallelFor(_ count: Int, _ body: (_ worker: Int, _ index: Int) -> Void) {
    frame.pool.parallelFor(count, threads: frame.threads, body)
  }

  /// Spreads `0..<count` in blocks. What an index computes must not depend on the block that it falls into.
  func parallelBlocks(_ count: Int, of size: Int, _ body: (Range<Int>) -> Void) {
    parallelFor((count + size - 1) / size) { _, block in
      body(block * size..<min((block + 1) * size, count))
    }
  }
}

/// Elements that one piece of element-wise work covers: large enough to be worth handing out, small enough for the L2.
let elementsPerBlock = 16384

extension zoo_activation {
  init(_ activation: Activation?) {
    self.init()
    switch activation {
    case nil: kind = ZOO_IDENTITY
    case .relu: kind = ZOO_RELU
    case .relu6: kind = ZOO_RELU6
    case .leakyReLU(let slope):
      kind = ZOO_LEAKY_RELU
      self.slope = slope
    case .sigmoid: kind = ZOO_SIGMOID
    case .tanh: kind = ZOO_TANH
    case .silu: kind = ZOO_SILU
    case .hardSwish: kind = ZOO_HARD_SWISH
    }
  }
}

extension PaddingMode {
  /// The pixel of a line of `count` that stands at `index`, which may lie outside; nil for a zero.
  func source(of index: Int, in count: Int) -> Int? {
    if (0..<count).contains(index) { return index }
    switch self {
    case .zero: return nil
    case .reflect: return index < 0 ? -index : 2 * (count - 1) - index
    case .replicate: return index < 0 ? 0 : count - 1
    }
  }
}
