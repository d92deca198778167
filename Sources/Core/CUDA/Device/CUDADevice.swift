import CCUDA
import Synchronization
import ZooBackend

/// A GPU that is in use: its context, its memory, and whether it can still be trusted.
///
/// Sendable because a context may be used from any thread, and nothing else changes but what the lock protects.
public final class CUDADevice: @unchecked Sendable {
  /// As `nvidia-smi` counts, unless CUDA_DEVICE_ORDER or CUDA_VISIBLE_DEVICES say otherwise.
  public let ordinal: Int
  /// As the maker calls it.
  public let model: String
  /// As NVML gives it: `GPU-` and 32 hexadecimal digits.
  public let uuid: String
  /// 10 · major + minor.
  public let computeCapability: Int
  public let multiprocessorCount: Int
  /// In bytes.
  public let memory: Int

  let driver: Driver
  /// What models on this card hold and do not use now.
  let idleMemory = IdleMemory()
  private let context: zoo_cu_context
  /// What happened to the device that makes everything after it fail.
  private let fault = Mutex<String?>(nil)
  private let isTried = Atomic<Bool>(false)

  /// `cuda:0`
  public var name: String { Self.name(ordinal) }

  static func name(_ ordinal: Int) -> String { "cuda:\(ordinal)" }

  init(_ ordinal: Int, driver: Driver) throws(BackendError) {
    func expect(_ result: zoo_cu_result) throws(BackendError) {
      guard result == success else {
        throw BackendError(.unavailable, "the GPU cuda:\(ordinal) cannot be used: \(driver.describe(result))")
      }
    }
    let count = try driver.deviceCount()
    guard 0..<count ~= ordinal else {
      throw BackendError(
        .unavailable, "there is no GPU cuda:\(ordinal): this machine has \(count), counted from 0")
    }
    var device: zoo_cu_device = 0
    try expect(driver.deviceGet(&device, Int32(ordinal)))
    func attribute(_ which: Int) throws(BackendError) -> Int {
      var value: Int32 = 0
      try expect(driver.deviceGetAttribute(&value, Int32(which), device))
      return Int(value)
    }
    var text = [CChar](repeating: 0, count: 256)
    try expect(driver.deviceGetName(&text, Int32(text.count), device))
    var identifier = [UInt8](repeating: 0, count: 16)
    try expect(driver.deviceGetUUID(&identifier, device))
    var bytes = 0
    try expect(driver.deviceTotalMemory(&bytes, device))
    var context: zoo_cu_context?
    try expect(driver.primaryContextRetain(&context, device))
    guard let context else { throw BackendError(.unavailable, "the driver gives no context for cuda:\(ordinal)") }

    self.ordinal = ordinal
    self.driver = driver
    self.context = context
    uuid = Self.uuid(identifier)
    model = String(decoding: text.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    computeCapability =
      10 * (try attribute(ZOO_CU_COMPUTE_CAPABILITY_MAJOR)) + (try attribute(ZOO_CU_COMPUTE_CAPABILITY_MINOR))
    multiprocessorCount = max(1, try attribute(ZOO_CU_MULTIPROCESSOR_COUNT))
    memory = bytes
  }

  private static func uuid(_ bytes: [UInt8]) -> String {
    let digits = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
    let parts = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }
    return "GPU-" + parts.joined(separator: "-")
  }

  /// True for the first who asks.
  func isFirstTrial() -> Bool { !isTried.exchange(true, ordering: .relaxed) }

  /// In bytes; nil where it is out of use.
  var freeMemory: Int? {
    var (free, total) = (0, 0)
    guard (try? activate()) != nil, driver.memoryGetInfo(&free, &total) == success else { return nil }
    return free
  }

  /// Makes this thread's calls go to this device; everything that calls the driver starts with it.
  func activate() throws(BackendError) {
    if let fault = fault.withLock({ $0 }) {
      throw BackendError(
        .unavailable,
        "the GPU cuda:\(ordinal) is out of use since \(fault): restart the server, and look for Xid in the "
          + "kernel's log")
    }
    try check(driver.contextSetCurrent(context), "it was selected")
  }

  /// - Parameter doing: when it failed, after "while": `the network ran`.
  /// - Throws: ``BackendError`` for any result but success: `deviceLost` for one from which a context does not recover,
  ///   after which every later call fails at once.
  func check(_ result: zoo_cu_result, _ doing: @autoclosure () -> String) throws(BackendError) {
    guard result != success else { return }
    let description = driver.describe(result)
    if result == Int32(ZOO_CU_OUT_OF_MEMORY) {
      throw BackendError(
        .outOfMemory,
        "the GPU cuda:\(ordinal) ran out of memory while \(doing()); \(roomLeft): feed a smaller picture or batch, or "
          + "serve fewer models")
    }
    if Self.isFatal(result) {
      fault.withLock { $0 = $0 ?? "\(description) while \(doing())" }
      throw BackendError(
        .deviceLost,
        "the GPU cuda:\(ordinal) failed while \(doing()): \(description). It is out of use until the server is restarted"
      )
    }
    throw BackendError(.internalFailure, "the GPU cuda:\(ordinal) failed while \(doing()): \(description)")
  }

  /// What it means that a library's call failed: the card's own error, where the library was told of one.
  func failure(of library: String, because reason: String, lacksMemory: Bool) -> BackendError {
    var (free, total) = (0, 0)
    let result = driver.memoryGetInfo(&free, &total)
    // Others may be about a graph that is captured now.
    if Self.isFatal(result) {
      do { try check(result, "\(library) was called") } catch { return error }
    }
    return BackendError(
      lacksMemory ? .outOfMemory : .internalFailure,
      "\(library) failed on \(name): \(reason)" + (lacksMemory ? "; \(roomLeft)" : ""))
  }

  private var roomLeft: String {
    var (free, total) = (0, 0)
    guard driver.memoryGetInfo(&free, &total) == success else { return "how much is free is unknown" }
    return "\(free >> 20) of \(total >> 20) MiB are free"
  }

  /// Errors after which a context answers nothing else: faults of kernels and of the card.
  static func isFatal(_ result: zoo_cu_result) -> Bool {
    let faults = [
      ZOO_CU_DEINITIALIZED, ZOO_CU_DEVICE_UNAVAILABLE, ZOO_CU_ECC_UNCORRECTABLE, ZOO_CU_NVLINK_UNCORRECTABLE,
      ZOO_CU_CONTAINED, ZOO_CU_ILLEGAL_ADDRESS, ZOO_CU_LAUNCH_TIMEOUT, ZOO_CU_CONTEXT_IS_DESTROYED, ZOO_CU_ASSERT,
      ZOO_CU_HARDWARE_STACK_ERROR, ZOO_CU_ILLEGAL_INSTRUCTION, ZOO_CU_MISALIGNED_ADDRESS,
      ZOO_CU_INVALID_ADDRESS_SPACE, ZOO_CU_INVALID_PC, ZOO_CU_LAUNCH_FAILED,
      ZOO_CU_MPS_CLIENT_TERMINATED, ZOO_CU_UNKNOWN,
    ]
    return faults.contains(Int(result))
  }
}

let success = zoo_cu_result(ZOO_CU_SUCCESS)
