public import Foundation
public import ZooLibraries

/// The software device, built once for all tests of a process: it stands in for libcuda, NVRTC, cuBLASLt and cuDNN. See
/// `Device/software_device.cpp` for what it shows and what it does not.
public struct SoftwareDevice: Sendable {
  public static let shared = Result { try SoftwareDevice() }

  /// Holds libcuda.so.1, libnvrtc.so.13, libcublasLt.so.13 and libcudnn.so.9, which are one file.
  public let folder: URL
  private let library: DynamicLibrary

  public var finder: LibraryFinder { LibraryFinder(configured: [folder.path], asksLoader: false, folders: []) }
  public var cacheFolder: URL { folder.appending(path: "cache") }

  private init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "zoo-software-device-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let source = package.appending(path: "Tests/Support/SoftwareDevice/Device")
    let compiler = try Self.findCompiler()
    let process = Process()
    process.executableURL = URL(filePath: compiler)
    process.arguments =
      [
        "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
        "-I", package.appending(path: "Sources/Core/CCUDA/include").path,
        "-DSHIM=\"\(source.appending(path: "kernel_shim.h").path)\"", "-DCOMPILER=\"\(compiler)\"",
        "-o", folder.appending(path: "libcuda.so.1").path,
      ] + ["device", "cublaslt", "cudnn"].map { source.appending(path: "software_\($0).cpp").path }
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw LibraryError("the software device does not compile") }
    for other in ["libnvrtc.so.13", "libcublasLt.so.13", "libcudnn.so.9"] {
      try FileManager.default.createSymbolicLink(
        at: folder.appending(path: other), withDestinationURL: folder.appending(path: "libcuda.so.1"))
    }
    library = try DynamicLibrary(opening: folder.appending(path: "libcuda.so.1").path)
    let path = folder.path
    Self.cleanUp.path = path
    atexit { try? FileManager.default.removeItem(atPath: SoftwareDevice.cleanUp.path) }
  }

  private final class CleanUp: @unchecked Sendable { var path = "" }
  private static let cleanUp = CleanUp()

  /// clang++ comes with Swift.
  private static func findCompiler() throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for name in ["clang++", "g++", "c++"] {
      for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
        return "\(folder)/\(name)"
      }
    }
    throw LibraryError("there is no C++ compiler for the software device: install clang++ or g++")
  }

  /// Switched off and on again: nothing fails any more, and what is counted of a device begins anew.
  ///
  /// - Parameters:
  ///   - capability: 10 · major + minor.
  ///   - memory: of each device, in bytes.
  public func reset(devices: Int = 1, capability: Int = 90, memory: Int = 1 << 32) {
    call("zoo_software_reset", as: (@convention(c) (Int32, Int32, Int) -> Void).self)(
      Int32(devices), Int32(capability), memory)
  }

  /// Makes a call of the interface fail once, after so many that do not.
  ///
  /// - Parameter device: whose calls; nil for whichever comes first.
  public func fail(_ call: String, with result: Int, after count: Int = 0, on device: Int? = nil) {
    self.call("zoo_software_fail", as: (@convention(c) (UnsafePointer<CChar>, Int32, Int32, Int32) -> Void).self)(
      call, Int32(result), Int32(count), Int32(device ?? -1))
  }

  /// Whether the call that was to fail has failed.
  public var hasFailed: Bool { call("zoo_software_has_failed", as: (@convention(c) () -> Int32).self)() != 0 }

  public var compilations: Int { Int(call("zoo_software_compilations", as: (@convention(c) () -> Int32).self)()) }

  /// Kernels that a device has run.
  public func launches(on device: Int = 0) -> Int {
    Int(call("zoo_software_launches", as: (@convention(c) (Int32) -> Int32).self)(Int32(device)))
  }

  /// Products and convolutions that libraries have done on a device.
  public func libraryCalls(on device: Int = 0) -> Int {
    Int(call("zoo_software_library_calls", as: (@convention(c) (Int32) -> Int32).self)(Int32(device)))
  }

  /// Has libraries compute what is wrong, until the device is reset.
  public func breakLibraries() {
    call("zoo_software_break_libraries", as: (@convention(c) (Int32) -> Void).self)(1)
  }

  /// Copies to a device's memory that were waited for: weights.
  public func uploads(on device: Int = 0) -> Int {
    Int(call("zoo_software_uploads", as: (@convention(c) (Int32) -> Int32).self)(Int32(device)))
  }

  /// Bytes of a device's memory that are taken.
  public func memoryUsed(on device: Int = 0) -> Int {
    call("zoo_software_memory_used", as: (@convention(c) (Int32) -> Int).self)(Int32(device))
  }

  private func call<Function>(_ name: String, as type: Function.Type) -> Function {
    guard let function = library.function(name, as: type) else { preconditionFailure("no \(name)") }
    return function
  }
}
