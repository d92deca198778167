public import Foundation
import Synchronization
public import ZooBackend
public import ZooGraph
public import ZooLibraries

/// Runs networks on one NVIDIA GPU. Its libraries are looked for when it is made; nothing of CUDA is linked.
public final class CUDABackend: Backend {
  public var name: String { device.name }
  public var freeMemory: Int? { device.freeMemory }

  public let device: CUDADevice
  /// True where float32 products may be rounded to TF32, 10 bits of fraction, for the sake of speed.
  public let allowsTF32: Bool
  private let compiler: Compiler
  private let cache: KernelCache?
  /// Loaded when they are first needed.
  private let libraries = Mutex<[KernelProgram: KernelLibrary]>([:])

  /// Where compiled kernels are kept unless told otherwise: `zoo/kernels` in the user's cache folder.
  public static var standardCacheFolder: URL? { KernelCache.standardFolder(ProcessInfo.processInfo.environment) }

  /// - Parameters:
  ///   - ordinal: which GPU, as `nvidia-smi` counts.
  ///   - cacheFolder: where compiled kernels are kept; nil to compile them in every process.
  /// - Throws: ``BackendError`` with the code `unavailable`, which says what is missing and what to install.
  public convenience init(
    device ordinal: Int = 0, finder: LibraryFinder = LibraryFinder(), allowsTF32: Bool = false,
    cacheFolder: URL? = CUDABackend.standardCacheFolder
  ) throws(BackendError) {
    let driver = try Driver(finder: finder)
    let compiler = try Compiler(finder: finder, driverVersion: driver.version)
    try self.init(ordinal, driver: driver, compiler: compiler, allowsTF32: allowsTF32, cacheFolder: cacheFolder)
  }

  private init(
    _ ordinal: Int, driver: Driver, compiler: Compiler, allowsTF32: Bool, cacheFolder: URL?
  ) throws(BackendError) {
    device = try CUDADevice(ordinal, driver: driver)
    self.compiler = compiler
    self.allowsTF32 = allowsTF32
    cache = cacheFolder.map(KernelCache.init)
  }

  /// A backend for each of several GPUs; for one that cannot be used, and where none can, a stand-in that says why.
  ///
  /// - Parameter ordinals: nil for all that the machine has.
  public static func all(
    _ ordinals: [Int]? = nil, finder: LibraryFinder = LibraryFinder(), allowsTF32: Bool = false,
    cacheFolder: URL? = CUDABackend.standardCacheFolder
  ) -> [any Backend] {
    do throws(BackendError) {
      let driver = try Driver(finder: finder)
      let compiler = try Compiler(finder: finder, driverVersion: driver.version)
      let count = try driver.deviceCount()
      return (ordinals ?? Array(0..<count)).map { ordinal -> any Backend in
        do throws(BackendError) {
          return try CUDABackend(
            ordinal, driver: driver, compiler: compiler, allowsTF32: allowsTF32, cacheFolder: cacheFolder)
        } catch {
          return UnavailableBackend(name: CUDADevice.name(ordinal), reason: error)
        }
      }
    } catch {
      return [UnavailableBackend(name: "cuda", reason: error)]
    }
  }

  /// - Throws: ``BackendError``, for what a GPU cannot run or has no room for; `GraphError`.
  public func compile(_ graph: Graph, options: CompileOptions) throws -> any Executable {
    let element: Element
    switch options.precision {
    case .float32: element = .float32
    case .bfloat16: element = .bfloat16
    case .float16: element = .float16
    case .int8:
      throw BackendError(
        .unsupported, "the CUDA backend has no int8: ask for float32, bfloat16 or float16, or for the CPU")
    }
    let library = try library(for: .networks(element))
    let graph = try graph.optimized()
    let network = try device.idleMemory.makingRoom { () throws(BackendError) in
      try Network(graph, in: element, on: device, library: library, allowsTF32: allowsTF32)
    }
    let executable = CUDAExecutable(network, keptLanes: options.concurrentCalls)
    for shapes in options.plannedShapes { try executable.prepare(shapes) }
    return executable
  }

  func library(for program: KernelProgram) throws(BackendError) -> KernelLibrary {
    // Within the lock, so that two models that load at once compile the kernels once.
    try libraries.withLock { libraries throws(BackendError) in
      if let library = libraries[program] { return library }
      let library = try KernelLibrary(program, for: device, compiler: compiler, cache: cache)
      libraries[program] = library
      return library
    }
  }
}
