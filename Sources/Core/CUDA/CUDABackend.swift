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
  /// NVIDIA's libraries of convolutions and products, where they may compute: cuDNN and cuBLASLt.
  private let vendorLibraries: VendorLibraries?
  private let compiler: Compiler
  private let cache: KernelCache?
  /// Loaded when they are first needed.
  private let libraries = Mutex<[KernelProgram: KernelLibrary]>([:])

  /// Where compiled kernels are kept unless told otherwise: `zoo/kernels` in the user's cache folder.
  public static var standardCacheFolder: URL? { KernelCache.standardFolder(ProcessInfo.processInfo.environment) }

  /// - Parameters:
  ///   - ordinal: which GPU, as `nvidia-smi` counts.
  ///   - usesVendorLibraries: whether cuDNN and cuBLASLt do convolutions and products where they are faster, see docs/gpu.md.
  ///   - cacheFolder: where compiled kernels are kept; nil to compile them in every process.
  /// - Throws: ``BackendError`` with the code `unavailable`, which says what is missing and what to install.
  public convenience init(
    device ordinal: Int = 0, finder: LibraryFinder = LibraryFinder(), allowsTF32: Bool = false,
    usesVendorLibraries: Bool = false, cacheFolder: URL? = CUDABackend.standardCacheFolder
  ) throws(BackendError) {
    try self.init(
      ordinal, Base(finder: finder), finder: finder, allowsTF32: allowsTF32, usesVendorLibraries: usesVendorLibraries,
      cacheFolder: cacheFolder)
  }

  /// What the GPUs of a machine share.
  private struct Base {
    let driver: Driver
    let compiler: Compiler

    init(finder: LibraryFinder) throws(BackendError) {
      driver = try Driver(finder: finder)
      compiler = try Compiler(finder: finder, driverVersion: driver.version)
    }
  }

  private init(
    _ ordinal: Int, _ base: Base, finder: LibraryFinder, allowsTF32: Bool, usesVendorLibraries: Bool,
    cacheFolder: URL?
  ) throws(BackendError) {
    device = try CUDADevice(ordinal, driver: base.driver)
    compiler = base.compiler
    self.allowsTF32 = allowsTF32
    cache = cacheFolder.map(KernelCache.init)
    vendorLibraries =
      usesVendorLibraries ? try VendorLibraries(on: device, finder: finder, cache: cache) : nil
  }

  /// Of NVIDIA's libraries of convolutions and products those that were asked for and are not there, and what to install.
  public var missingVendorLibraries: [BackendError] { vendorLibraries?.missing ?? [] }

  /// A backend for each of several GPUs; for one that cannot be used, and where none can, a stand-in that says why.
  ///
  /// - Parameter ordinals: nil for all that the machine has.
  public static func all(
    _ ordinals: [Int]? = nil, finder: LibraryFinder = LibraryFinder(), allowsTF32: Bool = false,
    usesVendorLibraries: Bool = false, cacheFolder: URL? = CUDABackend.standardCacheFolder
  ) -> [any Backend] {
    do throws(BackendError) {
      let base = try Base(finder: finder)
      let count = try base.driver.deviceCount()
      return (ordinals ?? Array(0..<count)).map { ordinal -> any Backend in
        do throws(BackendError) {
          return try CUDABackend(
            ordinal, base, finder: finder, allowsTF32: allowsTF32, usesVendorLibraries: usesVendorLibraries,
            cacheFolder: cacheFolder)
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
    try compile(graph, options: options, tile: nil)
  }

  /// - Parameter tile: does convolutions wherever it can; nil for what is fastest.
  func compile(_ graph: Graph, options: CompileOptions, tile: Kernel?) throws -> any Executable {
    let element = try Element(options.precision)
    let library = try library(for: .networks(element))
    let graph = try graph.optimized()
    let network = try device.idleMemory.makingRoom { () throws(BackendError) in
      try Network(
        graph, in: element, on: device, library: library, allowsTF32: allowsTF32,
        vendorLibraries: vendorLibraries, tile: tile)
    }
    let executable = CUDAExecutable(network, keptLanes: options.concurrentCalls)
    for shapes in options.plannedShapes { try executable.prepare(shapes) }
    return executable
  }

  func library(for program: KernelProgram) throws(BackendError) -> KernelLibrary {
    // Within the lock, so that two models that load at once compile the kernels once.
    try libraries.withLock { libraries throws(BackendError) in
      if let library = libraries[program] { return library }
      let library = try KernelLibrary(
        program, for: device, compiler: compiler, cache: cache,
        choiceIdentity: (allowsTF32 ? ["TF32"] : []) + (vendorLibraries?.versions ?? []))
      libraries[program] = library
      return library
    }
  }
}
