import CCUDA
import ZooBackend

/// The kernels of a program, compiled for a device and loaded into it.
final class KernelLibrary: @unchecked Sendable {
  let choices: KernelChoices
  private let device: CUDADevice
  private let module: zoo_cu_module
  private let functions: [Kernel: zoo_cu_function]

  /// - Parameter cache: where compiled kernels are kept; nil to compile them anew. A cache that cannot be written only
  ///   costs time.
  /// - Parameter choiceIdentity: what the choice among kernels depends on besides them and the card.
  init(
    _ program: KernelProgram, for device: CUDADevice, compiler: Compiler, cache: KernelCache?,
    choiceIdentity: [String] = []
  ) throws(BackendError) {
    if case .networks(let element) = program, element != .float32, !device.hasTensorCores {
      throw BackendError(
        .unsupported,
        "\(element.name) needs a GPU of compute capability 8.0 or later and \(device.model) has "
          + "\(device.computeCapability.capability): ask for float32")
    }
    let target = try compiler.target(for: device.computeCapability)
    let (text, options) = (program.text, program.options)
    let identity = [text, compiler.version, target.option] + options
    let file = cache?.file(for: identity)
    let module: zoo_cu_module
    if let file, let image = cache?.read(file), let cached = try? Self.load(image, into: device) {
      module = cached
    } else {
      let image = try compiler.compile(text, for: target, options: options).image
      module = try Self.load(image, into: device)
      if let file { try? cache?.write(image, to: file) }
    }
    var functions: [Kernel: zoo_cu_function] = [:]
    for kernel in program.kernels where device.hasTensorCores || !kernel.needsTensorCores {
      var function: zoo_cu_function?
      try device.check(
        device.driver.moduleGetFunction(&function, module, kernel.rawValue), "\(kernel.rawValue) was looked up")
      // More than 48 KiB have to be asked for.
      if let function, kernel.sharedByteCount > 48 << 10 {
        try device.check(
          device.driver.functionSetAttribute(
            function, Int32(ZOO_CU_MAX_DYNAMIC_SHARED_SIZE_BYTES), Int32(kernel.sharedByteCount)),
          "\(kernel.rawValue) got its shared memory")
      }
      functions[kernel] = function
    }
    choices = KernelChoices(
      cache: cache, identity: identity + [device.model, "\(device.driver.version)"] + choiceIdentity)
    self.device = device
    self.module = module
    self.functions = functions
  }

  private static func load(_ image: [UInt8], into device: CUDADevice) throws(BackendError) -> zoo_cu_module {
    try device.activate()
    var module: zoo_cu_module?
    // An image that is text ends with a zero, which the driver needs; that of a binary says its size itself.
    let result = image.withUnsafeBytes { device.driver.moduleLoadData(&module, $0.baseAddress) }
    try device.check(result, "the kernels were loaded")
    guard let module else { throw BackendError(.internalFailure, "the driver gives no module for the kernels") }
    return module
  }

  /// Puts a kernel into a stream.
  func start(_ launch: Launch, on stream: Stream) throws(BackendError) {
    guard let function = functions[launch.kernel] else {
      throw BackendError(
        .internalFailure,
        "\(launch.kernel.rawValue) is not there for compute capability "
          + device.computeCapability.capability)
    }
    var arguments = launch.arguments
    let result = arguments.withUnsafeMutableBytes { bytes in
      var parameter: UnsafeMutableRawPointer? = bytes.baseAddress
      return withUnsafeMutablePointer(to: &parameter) {
        device.driver.launchKernel(
          function, UInt32(launch.blocks), 1, 1, UInt32(launch.kernel.threadCount), 1, 1,
          UInt32(launch.kernel.sharedByteCount), stream.handle, $0, nil)
      }
    }
    try device.check(result, "\(launch.kernel.rawValue) was started")
  }

  deinit {
    guard (try? device.activate()) != nil else { return }
    _ = device.driver.moduleUnload(module)
  }
}

extension CUDADevice {
  /// Those that know bfloat16 and TF32.
  var hasTensorCores: Bool { computeCapability >= 80 }
}
