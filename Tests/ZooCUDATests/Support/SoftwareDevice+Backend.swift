import Foundation
import Testing
import ZooBackend
import ZooGraph
import ZooSoftwareDevice

@testable import ZooCUDA

/// What of a CUDA test runs: all of them one after the other, because they share one software device.
@Suite(.serialized) enum CUDATests {}

extension SoftwareDevice {
  /// A backend on a device that has just been switched on.
  ///
  /// - Parameter capability: 10 · major + minor.
  static func backend(
    devices: Int = 1, capability: Int = 90, memory: Int = 1 << 32, allowsTF32: Bool = false,
    usesVendorLibraries: Bool = false, cacheFolder: URL? = nil
  ) throws -> CUDABackend {
    let device = try shared.get()
    device.reset(devices: devices, capability: capability, memory: memory)
    return try CUDABackend(
      finder: device.finder, allowsTF32: allowsTF32, usesVendorLibraries: usesVendorLibraries,
      cacheFolder: cacheFolder ?? device.cacheFolder)
  }
}

extension Backend {
  func compile(_ graph: Graph, _ precision: Precision) throws -> any Executable {
    try compile(graph, options: CompileOptions(precision: precision))
  }
}

extension Precision {
  /// Those that GPUs have.
  static let ofGPUs = [Precision.float32, .bfloat16, .float16]
}
