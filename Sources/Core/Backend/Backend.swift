public import ZooGraph
public import ZooTensor

/// Turns graphs into something that runs. Layout, packing, memory, algorithms and threads are its own affair.
public protocol Backend: Sendable {
  /// What it is and, where a machine may have several, which: `cpu`, `cuda:1`, `reference`.
  var name: String { get }

  /// Bytes that its device has room for now; nil where it has none of its own, or it is out of use.
  var freeMemory: Int? { get }

  /// Prepares a network: runs the passes, packs the weights. Plans for input shapes are made on first use
  /// and kept.
  ///
  /// - Throws: ``BackendError`` or `GraphError`, for what this backend cannot run.
  func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable
}

extension Backend {
  /// As a manifest's placement asks for it: `cpu`, `cuda`, `reference`.
  public var kind: String { String(name.prefix { $0 != ":" }) }

  public var freeMemory: Int? { nil }
}

/// What a network computes in.
public enum Precision: Sendable, Hashable {
  case float32
  /// Products of convolutions and linear layers on numbers of 16 bits, with sums of 32: bfloat16, rounded to the nearest
  /// and ties to even, or what is at least as exact. What gains nothing from it stays in float32.
  case bfloat16
  /// All numbers in 16 bits, IEEE 754: 11 bits of significand, infinite beyond 65504; sums have 32 bits.
  case float16
  /// Convolutions and linear layers in 8-bit integers, with 32-bit sums: weights with a scale for every output channel,
  /// activations with one for each tensor. What cannot be computed so stays in float32.
  case int8(Calibration)
}

/// What the one who compiles may ask for.
public struct CompileOptions: Sendable {
  /// Threads that one call may use; nil for as many as the backend has.
  public var threads: Int?
  /// Calls that are to be expected at once.
  public var concurrentCalls: Int
  /// Input shapes to plan for at once, so that the first call is as fast as the next.
  public var plannedShapes: [[Shape]]
  /// A backend refuses what it does not have.
  public var precision: Precision
  /// What was measured of this network's layers before, or is to be.
  public var tuning: Tuning

  public init(
    threads: Int? = nil, concurrentCalls: Int = 1, plannedShapes: [[Shape]] = [], precision: Precision = .float32,
    tuning: Tuning = Tuning()
  ) {
    self.threads = threads
    self.concurrentCalls = concurrentCalls
    self.plannedShapes = plannedShapes
    self.precision = precision
    self.tuning = tuning
  }
}

/// A network that is ready to run. Calls from several threads are safe.
public protocol Executable: Sendable {
  /// Runs the network.
  ///
  /// - Parameter inputs: one for each of the graph's inputs, in their order, float32. Any shapes that the graph
  ///   accepts.
  /// - Returns: one for each of the graph's outputs, in their order.
  func run(_ inputs: [Tensor]) throws -> [Tensor]

  /// Pictures of at most so many bytes of pixels become tensors where the network runs; larger ones, or all where it is 0, are
  /// to be made tensors before.
  var largestPicture: Int { get }

  /// Runs the network on pictures, or on tensors as ``run(_:)`` does.
  func run(from inputs: [NetworkInput]) throws -> [Tensor]

  /// Bytes that are held now.
  var memory: MemoryUse { get }
}

extension Executable {
  public var largestPicture: Int { 0 }

  public func run(from inputs: [NetworkInput]) throws -> [Tensor] { try run(inputs.map { try $0.tensor() }) }
}

/// Bytes that an executable holds.
public struct MemoryUse: Sendable, Hashable {
  /// Packed weights.
  public var weights: Int
  /// Intermediate results and scratch, over all plans that are kept.
  public var activations: Int

  public init(weights: Int, activations: Int) {
    self.weights = weights
    self.activations = activations
  }
}

/// Why a backend cannot compile or run something.
public struct BackendError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// This backend is not to be had on this machine.
    case unavailable
    /// The device failed while it did this, and is unavailable from then on.
    case deviceLost
    case unsupported
    case invalidInput
    case outOfMemory
    case internalFailure
  }

  public let code: Code
  /// Names what it is about and the remedy.
  public let message: String
  public let cause: (any Error)?

  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { message }
}
