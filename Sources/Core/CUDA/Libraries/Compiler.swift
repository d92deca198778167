import CCUDA
import ZooBackend
import ZooLibraries

/// NVRTC, which compiles kernels for the card at hand.
///
/// Sendable because it only holds addresses of functions, which may be called from any thread.
final class Compiler: @unchecked Sendable {
  /// The compiler's own version: what it makes may differ from one to the next.
  let version: String
  /// As 10 · major + minor, ascending.
  let architectures: [Int]

  private let createProgram: zoo_nvrtc_create_program
  private let destroyProgram: zoo_nvrtc_destroy_program
  private let compileProgram: zoo_nvrtc_compile_program
  private let getBinarySize: zoo_nvrtc_get_size
  private let getBinary: zoo_nvrtc_get_bytes
  private let getIntermediateSize: zoo_nvrtc_get_size
  private let getIntermediate: zoo_nvrtc_get_bytes
  private let getLogSize: zoo_nvrtc_get_size
  private let getLog: zoo_nvrtc_get_bytes
  private let getErrorString: zoo_nvrtc_get_error_string

  /// - Throws: ``BackendError`` with the code `unavailable` where there is no NVRTC, or it is too old.
  init(finder: LibraryFinder, driverVersion: Int? = nil) throws(BackendError) {
    let library = try finder.open(CUDALibraries.compiler(for: driverVersion))
    func load<Function>(_ name: String) throws(BackendError) -> Function {
      try library.load(name, orInstall: "NVRTC of CUDA 11.4 or later")
    }
    createProgram = try load("nvrtcCreateProgram")
    destroyProgram = try load("nvrtcDestroyProgram")
    compileProgram = try load("nvrtcCompileProgram")
    getBinarySize = try load("nvrtcGetCUBINSize")
    getBinary = try load("nvrtcGetCUBIN")
    getIntermediateSize = try load("nvrtcGetPTXSize")
    getIntermediate = try load("nvrtcGetPTX")
    getLogSize = try load("nvrtcGetProgramLogSize")
    getLog = try load("nvrtcGetProgramLog")
    getErrorString = try load("nvrtcGetErrorString")
    let getVersion: zoo_nvrtc_version = try load("nvrtcVersion")
    let getCount: zoo_nvrtc_get_number_of_architectures = try load("nvrtcGetNumSupportedArchs")
    let getArchitectures: zoo_nvrtc_get_architectures = try load("nvrtcGetSupportedArchs")
    var (major, minor, count) = (Int32(0), Int32(0), Int32(0))
    _ = getVersion(&major, &minor)
    version = "\(major).\(minor)"
    _ = getCount(&count)
    var numbers = [Int32](repeating: 0, count: max(Int(count), 1))
    _ = getArchitectures(&numbers)
    architectures = numbers.prefix(Int(count)).map(Int.init).sorted()
  }

  /// What the compiler is asked for: the card's own instructions, or, where the card is newer than the compiler, code that
  /// the driver translates when it is loaded.
  struct Target: Hashable {
    let architecture: Int
    let isBinary: Bool

    var option: String { "-arch=\(isBinary ? "sm" : "compute")_\(architecture)" }
  }

  /// - Throws: ``BackendError`` with the code `unavailable` for a card that is older than what the compiler knows.
  func target(for computeCapability: Int) throws(BackendError) -> Target {
    if architectures.contains(computeCapability) { return Target(architecture: computeCapability, isBinary: true) }
    guard let older = architectures.last(where: { $0 < computeCapability }) else {
      throw BackendError(
        .unavailable,
        "NVRTC \(version) compiles for compute capability \((architectures.first ?? 0).capability) and later, and the GPU "
          + "has \(computeCapability.capability): install an older NVRTC")
    }
    // Instructions of a lower minor version run on a higher one of the same major version.
    return Target(architecture: older, isBinary: older / 10 == computeCapability / 10)
  }

  /// - Returns: an image for the driver to load, and what the compiler said.
  func compile(
    _ text: String, for target: Target, options: [String]
  ) throws(BackendError) -> (image: [UInt8], log: String) {
    func check(_ result: zoo_nvrtc_result, _ log: String = "") throws(BackendError) {
      guard result != 0 else { return }
      let reason = getErrorString(result).map { String(cString: $0) } ?? "error \(result)"
      throw BackendError(
        .internalFailure,
        "NVRTC \(version) does not compile the kernels for \(target.option): \(reason)"
          + (log.isEmpty ? "" : "\n\(log)"))
    }
    var program: zoo_nvrtc_program?
    try check(createProgram(&program, text, "zoo.cu", 0, nil, nil))
    defer { _ = destroyProgram(&program) }
    let strings = (options + [target.option, "--std=c++17"]).map { Array($0.utf8CString) }
    let result = withPointers(to: strings[...], []) { pointers in
      pointers.withUnsafeBufferPointer { compileProgram(program, Int32($0.count), $0.baseAddress) }
    }
    let log = String(decoding: bytes(of: program, getLogSize, getLog).dropLast(), as: UTF8.self)
    try check(result, log)
    let image =
      target.isBinary
      ? bytes(of: program, getBinarySize, getBinary) : bytes(of: program, getIntermediateSize, getIntermediate)
    // The driver would read whatever lies behind an empty one.
    guard !image.isEmpty else {
      throw BackendError(.internalFailure, "NVRTC \(version) gives no image of the kernels for \(target.option)")
    }
    return (image, log)
  }

  private func bytes(
    of program: zoo_nvrtc_program?, _ getSize: zoo_nvrtc_get_size, _ get: zoo_nvrtc_get_bytes
  ) -> [UInt8] {
    var size = 0
    guard getSize(program, &size) == 0, size > 0 else { return [] }
    var bytes = [CChar](repeating: 0, count: size)
    guard get(program, &bytes) == 0 else { return [] }
    return bytes.map { UInt8(truncatingIfNeeded: $0) }
  }

  private func withPointers<Result>(
    to strings: ArraySlice<[CChar]>, _ pointers: [UnsafePointer<CChar>?], _ body: ([UnsafePointer<CChar>?]) -> Result
  ) -> Result {
    guard let first = strings.first else { return body(pointers) }
    return first.withUnsafeBufferPointer {
      withPointers(to: strings.dropFirst(), pointers + [$0.baseAddress], body)
    }
  }
}

extension Int {
  /// A compute capability as people write it: 9.0.
  var capability: String { "\(self / 10).\(self % 10)" }
}
