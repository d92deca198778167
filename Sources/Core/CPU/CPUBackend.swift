public import ZooBackend
import ZooDevices
public import ZooGraph

/// Runs networks on the processor, on threads of its own.
public struct CPUBackend: Backend {
  public var name: String { "cpu" }

  /// Who multiplies matrices whose right-hand side is known when a network is compiled.
  public let library: MatrixLibrary
  public let instructionSet: InstructionSet
  /// Bytes of intermediate results that one call may need at most.
  public let memoryLimit: Int
  private let pool: ThreadPool

  /// Threads that one call may use.
  public var threadCount: Int { pool.threadCount }

  /// - Parameters:
  ///   - threads: nil for as many as this process may run at once.
  ///   - instructionSet: the widest to use; nil for the best there is.
  ///   - library: nil for the faster one that is right here, see ``MatrixLibrary/preferred(for:)``.
  ///   - memoryLimit: bytes that one call may need at most; nil for the machine's memory.
  ///   - pinsThreads: whether each thread but the caller's stays on a processor of its own.
  /// - Throws: ``BackendError`` with the code `unavailable` where `instructionSet` or `library` does not work here.
  public init(
    threads: Int? = nil, instructionSet: InstructionSet? = nil, library: MatrixLibrary? = nil, memoryLimit: Int? = nil,
    pinsThreads: Bool = false
  ) throws(BackendError) {
    let device = CPUDevice.current
    let instructionSet = instructionSet ?? .best
    guard instructionSet.isAvailable else {
      throw BackendError(
        .unavailable, "\(device.name) has no \(instructionSet): the widest that it has is \(InstructionSet.best)")
    }
    if library == .openBLAS, let fault = OpenBLAS.fault {
      throw BackendError(.unavailable, fault)
    }
    self.instructionSet = instructionSet
    self.library = library ?? .preferred(for: instructionSet)
    self.memoryLimit = memoryLimit ?? device.memory
    pool = ThreadPool(threads: threads ?? device.coreCount, isPinned: pinsThreads)
  }

  public func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
    let graph = try graph.optimized()
    let quantization: Quantization? =
      switch options.precision {
      case .float32, .bfloat16: nil
      case .float16:
        throw BackendError(
          .unsupported,
          "the CPU backend has no float16: ask for PRECISION_BFLOAT16 or PRECISION_FLOAT32, or run it on a GPU")
      case .int8(let calibration): try Quantization(of: graph, calibration)
      }
    let threads = max(1, min(options.threads ?? .max, pool.threadCount))
    let packer = WeightPacker(
      quantization: quantization, kernels: ProductKernels(library, options.precision), instructions: instructionSet)
    func planner(_ network: Network) -> Planner {
      Planner(
        network: network, library: library, instructions: instructionSet, threads: threads,
        concurrentCalls: options.concurrentCalls, memoryLimit: memoryLimit)
    }
    let algorithms = try Tuner(
      tuning: options.tuning, packer: packer, planner: planner, pool: pool, threads: threads
    ).algorithms(for: graph)
    let network = try Network(consume graph, packer, algorithms, pool: pool, threads: threads)
    let executable = CPUExecutable(planner: planner(network), pool: pool)
    for shapes in options.plannedShapes { try executable.prepare(shapes) }
    return executable
  }
}

extension MatrixLibrary {
  /// The library to use where nobody chose one.
  ///
  /// With AVX2, AVX-512 or NEON the packed kernels: they need no packing at run time and are no slower than OpenBLAS's best
  /// on any shape that networks have, and OpenBLAS's choice of kernels depends on its age and its environment. Elsewhere
  /// OpenBLAS, whose kernels are written for each processor, unless its products are wrong here.
  public static func preferred(for instructionSet: InstructionSet) -> MatrixLibrary {
    instructionSet == .plain && OpenBLAS.fault == nil ? .openBLAS : .packed
  }
}
